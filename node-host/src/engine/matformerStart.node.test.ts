import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { tierCheckpointFiles } from "@starling/trainer-core/checkpoint/matformerTiers";
import { writeDirectory } from "@starling/trainer-core/checkpoint/store.node";
import { checkpointFiles } from "@starling/trainer-core/checkpoint/writeCheckpoint";
import { tensorRoot } from "@starling/trainer-core/compress/merkle";
import { useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { createTestDevice } from "@starling/trainer-core/device/testDevice.node";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { TrainingEngine } from "@starling/trainer-core/train/engine";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { planOf } from "../compose.ts";
import { checkTier, importCheckpoint, matformerStart } from "./matformerStart.ts";

describe("a client's start in a MatFormer tier", () => {
  const { config } = loadRunConfig("test", process.cwd());
  const plan = runPlan(config);
  const chunk = plan.distro.compression_chunk;
  const whole = { config: plan.llama, parameters: initialWeights(plan.llama, 5) };
  const hash = tensorRoot(
    plan.layouts,
    [...whole.parameters.values()].map(({ data }) => data),
  );
  const { signal } = new AbortController();
  let root: string;
  let folder: string;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "starling-tier-"));
    folder = join(root, "model");
    const state = { runId: "r", step: 1, epoch: 0, parameterHash: toHex(hash), created: new Date(0).toISOString() };
    await writeDirectory(folder, checkpointFiles({ ...whole, state }));
    await writeDirectory(`${folder}-tier1`, tierCheckpointFiles(whole, 1, { chunk }));
    await writeDirectory(join(root, "other-tier1"), tierCheckpointFiles(whole, 1, { chunk: chunk / 2 }));
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const startOf = (matformerTier: number, strategy: "auto" | "universal" | "sliced", checkpoint?: string) =>
    matformerStart({ matformerTier, matformerLoadStrategy: strategy, checkpoint });

  it("holds the whole model unless it was told otherwise, or has a sliced checkpoint at hand", async () => {
    expect(await startOf(1, "auto")).toEqual({ part: { tier: 1, sliced: false }, checkpoint: undefined });
    expect(await startOf(1, "sliced")).toEqual({ part: { tier: 1, sliced: true }, checkpoint: undefined });
    expect(await startOf(0, "sliced")).toEqual({ part: { tier: 0, sliced: false }, checkpoint: undefined });
    expect(await startOf(1, "auto", folder)).toEqual({ part: { tier: 1, sliced: true }, checkpoint: `${folder}-tier1` });
    expect(await startOf(1, "auto", `${folder}-tier1`)).toEqual({ part: { tier: 1, sliced: true }, checkpoint: `${folder}-tier1` });
    expect(await startOf(1, "universal", folder)).toEqual({ part: { tier: 1, sliced: false }, checkpoint: folder });
    expect(await startOf(2, "auto", folder)).toEqual({ part: { tier: 2, sliced: false }, checkpoint: folder });
    expect(await startOf(0, "auto", folder)).toEqual({ part: { tier: 0, sliced: false }, checkpoint: folder });
  });

  it.each([
    ["a tier that is not there", 2, "sliced", () => folder, /model-tier2 is not there; write it with: starling export-matformer-tiers/],
    ["a second cut", 2, "auto", () => `${folder}-tier1`, /holds tier 1 of a model alone, and cannot be cut a second time/],
    ["a part as the whole", 0, "auto", () => `${folder}-tier1`, /holds tier 1 of a model alone, and cannot be cut/],
    ["a part for universal", 1, "universal", () => `${folder}-tier1`, /universal needs the whole model's folder/],
  ] as const)("refuses %s", async (_, tier, strategy, from, message) => {
    await expect(startOf(tier, strategy, from())).rejects.toMatchObject({ code: "bad-option", message: expect.stringMatching(message) });
  });

  it("refuses a tier whose tiles are not the model's", () => {
    expect(() => checkTier(plan, 1)).not.toThrow();
    expect(() => checkTier(plan, 2)).toThrow(/--matformer-tier 2: .*Its largest tier is 1/);
  });

  it("puts whole and sliced checkpoints into a sliced engine: equal parts, and the hash of the model that they are parts of", async () => {
    useBundledSoftwareDriver();
    const device = await createTestDevice("software");
    const engine = await TrainingEngine.create(device, plan, { microBatchSequences: 1, matformer: { tier: 1, sliced: true } });
    try {
      const parts = [];
      for (const from of [folder, `${folder}-tier1`]) {
        expect((await planOf(config, from, signal)).llama.intermediateSize).toBe(plan.llama.intermediateSize);
        await importCheckpoint(engine, from, plan);
        expect(toHex(await engine.parameterHash())).toBe(toHex(hash));
        parts.push(await engine.exportParameters());
      }
      expect(parts[1]).toEqual(parts[0]);
      expect(parts[0].get("model.layers.0.mlp.down_proj.weight")).toHaveLength(32 * 32);
      await engine.beginRound({
        ...{ results: [], applyLearningRate: null, decayLearningRate: null, lookaheadLearningRate: null },
        pipeline: plan.pipeline,
      });
      await expect(engine.parameterHash()).rejects.toMatchObject({ code: "part-only" });
      await expect(engine.parameterLeaves()).rejects.toMatchObject({ code: "part-only" });
      await expect(importCheckpoint(engine, join(root, "other-tier1"), plan)).rejects.toThrow(/--compression-chunk 32/);
    } finally {
      await engine.dispose();
      device.dispose();
    }
  });
});
