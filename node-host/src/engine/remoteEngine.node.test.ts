import type { Worker } from "node:worker_threads";
import { loadRunConfig } from "@starling/config/presets.node";
import { useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostError } from "../errors.ts";
import { RemoteEngine } from "./remoteEngine.ts";

describe("RemoteEngine", () => {
  const { config: runConfig } = loadRunConfig("test", "/");
  const plan = runPlan(runConfig);
  const batch = (tokens: number) => [Int32Array.from({ length: tokens }, (_, i) => (i * 37) % 256)];
  let engine: RemoteEngine;
  let worker: Worker;
  let died: HostError | null = null;

  beforeAll(async () => {
    useBundledSoftwareDriver();
    process.once("worker", (started) => (worker = started));
    engine = await RemoteEngine.create({
      runConfig,
      plan,
      settings: { profile: "software", microBatchSequences: 1 },
      onDeath: (error) => (died = error),
    });
  });
  afterAll(() => engine.stop());

  it("is ready with its adapter and profile", () => {
    expect(engine.adapter).not.toBe("");
    expect(engine.profile).toBe("software");
  });

  it("answers calls in their order, and moves parameters there and back bit for bit", async () => {
    const parameters = await engine.exportParameters();
    expect([...parameters.keys()]).toEqual([...parameters.keys()].sort());
    const name = "model.norm.weight";
    const changed = new Map(parameters).set(
      name,
      parameters.get(name)!.map((v) => v * 0.5),
    );
    const [before, , after, , again] = await Promise.all([
      engine.parameterHash(),
      engine.importParameters(changed),
      engine.parameterHash(),
      engine.importParameters(parameters),
      engine.parameterHash(),
    ]);
    expect(after).not.toEqual(before);
    expect(again).toEqual(before);
  });

  it("trains a batch into a payload that the plan accepts", async () => {
    await engine.startEpoch();
    await engine.beginRound({
      results: [],
      applyLearningRate: null,
      decayLearningRate: null,
      pipeline: "overlapped",
      lookaheadLearningRate: null,
    });
    const { payload, loss, tokens, residualRoot } = await engine.train({ sequences: batch(plan.sequenceTokens), learningRate: 1e-3 });
    engine.checkPayload(payload);
    expect(tokens).toBe(plan.sequenceTokens);
    expect(Math.abs(loss! - Math.log(256))).toBeLessThan(0.2);
    expect(residualRoot).toHaveLength(32);
  });

  it("brings a bad batch's typed error over, and goes on", async () => {
    const error = await engine
      .train({ sequences: batch(plan.sequenceTokens - 1), learningRate: 1e-3 })
      .catch((e: Error & { code: string }) => e);
    expect(error).toMatchObject({ name: "TrainError", code: expect.stringMatching(/^(?!unknown)/) });
    expect(await engine.parameterHash()).toHaveLength(32);
  });

  it("says that options which the adapter cannot serve are wrong", async () => {
    const settings = { profile: "software", microBatchSequences: 1, precision: "f16" } as const;
    await expect(RemoteEngine.create({ runConfig, plan, settings })).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(/cannot be started with these options: precision f16 .* offers no shader-f16/),
    });
  });

  it("fails every open and later call when the thread dies, and tells once", async () => {
    // first: a thread that ends while it waits for its GPU takes the process with it
    const ended = worker.terminate();
    const open = engine.evaluate(batch(plan.sequenceTokens));
    await Promise.all([ended, expect(open).rejects.toMatchObject({ code: "engine" })]);
    await expect(engine.parameterHash()).rejects.toMatchObject({ code: "engine" });
    expect(died).toMatchObject({ code: "engine", message: expect.stringContaining("thread ended") });
  });
});
