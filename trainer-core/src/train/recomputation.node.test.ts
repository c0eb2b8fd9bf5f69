/** Recomputation changes what is kept, never a bit of what comes out. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import type { MicroBatchShape } from "../model/llamaPlan.ts";
import { initialWeights } from "../model/initialWeights.ts";
import { LlamaTrainer } from "./step.ts";

const config: LlamaConfig = {
  vocabSize: 48,
  hiddenSize: 16,
  intermediateSize: 64,
  numLayers: 3,
  numHeads: 2,
  numKvHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: null,
  tieWordEmbeddings: true,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};
const TOKENS = 16;
const text = Array.from({ length: 5 }, (_, n) => Int32Array.from({ length: TOKENS }, (_, t) => (7 * n + t * t) % 48));

let device: Device;
beforeAll(async () => {
  device = await createTestDevice();
});
afterAll(() => device.dispose());

async function gradientsOf(recomputation: boolean, kind: Pick<MicroBatchShape, "storages" | "matformer">) {
  const before = device.memory.bytes;
  const trainer = await LlamaTrainer.create(device, config, { sequenceTokens: TOKENS, microBatchSequences: 2, recomputation, ...kind });
  const bytes = device.memory.bytes - before;
  trainer.load(initialWeights(config, 7));
  // the last of three micro-batches is half empty
  const { loss } = await trainer.computeGradients(text);
  const gradients = new Map<string, Float32Array>();
  for (const { name } of trainer.parameters.parameters) gradients.set(name, await trainer.parameters.read("grad", name));
  await trainer.dispose();
  return { loss, gradients, bytes };
}

it.each([
  ["f32", {}],
  ["halves, two in a word", { storages: { activations: "packed", weights: "packed" } }],
  ["the second MatFormer tier", { matformer: { tier: 2, sliced: false } }],
] as const)("gives the loss and every gradient of a trainer that keeps everything, bit for bit, in less memory: %s", async (what, kind) => {
  const [kept, recomputed] = [await gradientsOf(false, kind), await gradientsOf(true, kind)];
  expect(recomputed.loss).toBe(kept.loss);
  expect(Number.isFinite(kept.loss)).toBe(true);
  for (const [name, values] of kept.gradients) {
    expect(
      values.some((v) => v !== 0),
      name,
    ).toBe(true);
    expect(recomputed.gradients.get(name), name).toEqual(values);
  }
  expect(recomputed.bytes).toBeLessThan(kept.bytes);
  if (what !== "f32") return;
  // of each layer but one: everything beside streamIn, f32
  const rows = 2 * TOKENS;
  const shared = 4 * rows * (3 * 16 + 2 + 2 * 16 + 2 * 8 + 2 + 3 * 64);
  expect(kept.bytes - recomputed.bytes).toBe(2 * shared);
});
