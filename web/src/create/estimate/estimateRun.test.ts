import { loadRunConfig } from "@starling/config/presets.node";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { describe, expect, test } from "vitest";
import { countModel, estimateRun } from "./estimateRun.ts";

const config = loadRunConfig("nano-shakespeare", "/").config;
const assumed = { clients: 3, tokensPerSecond: 1000, bytesPerSecond: 1e6, agreementSeconds: 0.5 };

describe("estimateRun", () => {
  test("sizes are the plan's", () => {
    const estimate = estimateRun(config, assumed);
    const plan = runPlan(config);
    // nano-shakespeare by hand: embeddings and head 2 x 256 x 64, norms, and 2 layers
    const layer = 2 * 64 + 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 64 * 192;
    expect(estimate.parameters).toBe(2 * 256 * 64 + 64 + 2 * layer);
    expect(countModel(config)).toEqual({ numParameters: estimate.parameters, vocabSize: 256 });
    expect(estimate.modelBytes).toBe(4 * estimate.parameters);
    expect(estimate.resultBytes).toBe(plan.payloadBytes);
    expect(estimate.receivedBytesPerRound).toBe(2 * plan.payloadBytes);
    expect(estimate.tokensPerRound).toBe(12 * 64);
  });

  test("times follow from the speed", () => {
    const slow = estimateRun(config, assumed);
    expect(slow.trainSeconds).toBeCloseTo((4 * 64) / 1000);
    expect(slow.roundSeconds).toBeCloseTo(slow.trainSeconds + 0.5);
    expect(slow.roundsPerEpoch).toBe(14);
    expect(slow.epochSeconds).toBeCloseTo(16 * slow.roundSeconds + 1);
    const alone = estimateRun(config, { ...assumed, clients: 1 });
    expect(alone.receivedBytesPerRound).toBe(0);
    expect(alone.trainSeconds).toBeCloseTo(3 * slow.trainSeconds);
    // a client that is too slow does not make rounds longer than the config lets them be
    const stuck = estimateRun(config, { ...assumed, tokensPerSecond: 0.01 });
    expect(stuck.roundSeconds).toBe(80);
    expect(stuck.trainSeconds).toBeGreaterThan(config.config.max_round_train_time);
    expect(stuck.epochSeconds).toBeLessThanOrEqual(stuck.longestEpochSeconds);
  });

  test("a sync pipeline waits for the transfer, an overlapped one hides it", () => {
    const slowLine = { ...assumed, bytesPerSecond: 1000 };
    const sync = { ...config, config: { ...config.config, pipeline: "sync" as const } };
    expect(estimateRun(sync, slowLine).roundSeconds).toBeGreaterThan(estimateRun(config, slowLine).roundSeconds);
  });

  test("says what it cannot know", () => {
    const hub = { ...config, model: { LLM: { ...config.model.LLM, checkpoint: { Hub: { repo_id: "a/b" } } } } };
    expect(() => estimateRun(hub, assumed)).toThrow("Hub");
    expect(countModel(hub)).toBeUndefined();
  });
});
