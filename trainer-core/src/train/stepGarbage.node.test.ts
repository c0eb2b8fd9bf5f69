import { parseLlamaConfig } from "@starling/config/llamaConfig";
import { afterAll, beforeAll, expect, it } from "vitest";
import { countCreations } from "../device/creations.ts";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { initialWeights } from "../model/initialWeights.ts";
import { LlamaTrainer } from "./step.ts";

const STEPS = 60;
const TOKENS = 16;
const config = parseLlamaConfig({
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: TOKENS,
});

let device: Device;
beforeAll(async () => {
  device = await createTestDevice("software");
});
afterAll(() => device.dispose());

it("a step creates no GPU object but encoders, and no array; its buffers stay as they are", async () => {
  const trainer = await LlamaTrainer.create(device, config, { microBatchSequences: 2, sequenceTokens: TOKENS });
  trainer.load(initialWeights(config, 1));
  await trainer.prepareAdamW();
  const sequences = Array.from({ length: 2 }, (_, s) => Int32Array.from({ length: TOKENS }, (_, t) => (s * 7 + t * 5) % config.vocabSize));
  const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
  const losses: number[] = [];
  const steps = async (count: number) => {
    for (let n = 0; n < count; n++) {
      losses.push((await trainer.computeGradients(sequences)).loss);
      trainer.clip(1);
      await trainer.adamWStep(adam);
    }
    await device.idle();
  };
  await steps(2); // staging for readback is made once
  const before = device.memory;
  const created = await countCreations(device.gpu, () => steps(STEPS));
  expect(Object.keys(created.gpu)).toEqual(["createCommandEncoder"]);
  expect(created).toMatchObject({ typedArrays: 0, arrayBytes: 0 });
  expect(device.memory).toEqual(before);
  expect(losses.at(-1)).toBeLessThan(losses[0]); // it trained

  const counted = await countCreations(device.gpu, async () => {
    device.buffer("one", 16).destroy();
    new Float32Array(3).slice();
  });
  expect(counted).toEqual({ gpu: { createBuffer: 1 }, typedArrays: 2, arrayBytes: 24 }); // it would notice
  await trainer.dispose();
});
