/** A model on several logical devices of one adapter against the same model on one. Weights are normal, seed 1 and on. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import type { MicroBatchShape } from "../model/llamaPlan.ts";
import { elementCount, EMBEDDING_NAME, llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { expectClose, normals } from "../model/testing.ts";
import type { GradientTrainer } from "../train/gradientTrainer.ts";
import { STORAGES_OF } from "../train/precision.ts";
import { LlamaTrainer } from "../train/step.ts";
import type { Parallelism } from "./parallelism.ts";
import { ParallelTrainer } from "./parallelTrainer.ts";

const TOKENS = 23;
const untied: LlamaConfig = {
  vocabSize: 37,
  hiddenSize: 18,
  intermediateSize: 23,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 6, // heads * headDim is not hiddenSize
  rmsNormEps: 1e-5,
  ropeTheta: 100,
  ropeScaling: null,
  tieWordEmbeddings: false,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};
const tied: LlamaConfig = { ...untied, numLayers: 1, tieWordEmbeddings: true };

function someWeights(config: LlamaConfig): ParameterMap {
  return new Map(
    llamaParameters(config).map(({ name, shape }, n) => {
      const data = normals(elementCount(shape), 1 + n);
      return [name, { shape, data: data.map((v) => (shape.length === 1 ? 1 + 0.2 * v : 0.3 * v)) }];
    }),
  );
}

/** Tokens that repeat; a third of the labels are not counted. */
function someSequences(count: number, seed: number): { sequences: Int32Array<ArrayBuffer>[]; labels: Int32Array<ArrayBuffer>[] } {
  const draws = normals(count * TOKENS, seed);
  const sequences = Array.from({ length: count }, (_, b) =>
    Int32Array.from({ length: TOKENS }, (_, t) => Math.floor(Math.abs(draws[b * TOKENS + t]) * 12) % 37),
  );
  return { sequences, labels: sequences.map((s) => s.map((token, t) => (t % 3 === 1 ? -100 : token))) };
}

let devices: Device[] = [];
beforeAll(async () => {
  devices = await Promise.all(Array.from({ length: 4 }, () => createTestDevice("software")));
});
afterAll(() => devices.forEach((device) => device.dispose()));

async function gradientsOf(trainer: GradientTrainer): Promise<Map<string, Float32Array>> {
  const out = new Map<string, Float32Array>();
  for (const { name } of trainer.parameters.parameters) out.set(name, await trainer.parameters.read("grad", name));
  return out;
}

interface Case extends Pick<MicroBatchShape, "logitsChunkBytes" | "recomputation" | "storages"> {
  name: string;
  parallelism: Parallelism;
  config: LlamaConfig;
}
const cases: Case[] = [
  { name: "2-way data parallel", parallelism: { data: 2, tensor: 1 }, config: tied },
  {
    name: "2-way data parallel in halves",
    parallelism: { data: 2, tensor: 1 },
    config: { ...tied, vocabSize: 40, hiddenSize: 16, intermediateSize: 24, headDim: 8 },
    storages: STORAGES_OF["packed-f16"],
  },
  // the smallest chunks of logits there are: 64 rows
  {
    name: "2-way tensor parallel, untied, logits in chunks, recomputed",
    parallelism: { data: 1, tensor: 2 },
    config: untied,
    logitsChunkBytes: 1,
    recomputation: true,
  },
  { name: "2 x 2, tied, one key head", parallelism: { data: 2, tensor: 2 }, config: { ...tied, numKvHeads: 1 } },
];

describe.each(cases)("$name", ({ parallelism, config, ...options }) => {
  test("gives the losses and gradients of one device", { timeout: 300_000 }, async () => {
    const shape = {
      microBatchSequences: parallelism.tensor > 1 && parallelism.data === 1 ? 4 : 2,
      sequenceTokens: TOKENS,
      ...options,
    };
    const single = await LlamaTrainer.create(devices[0], config, shape);
    const spread = await ParallelTrainer.create(devices.slice(0, parallelism.data * parallelism.tensor), config, shape, parallelism);
    try {
      const weights = someWeights(config);
      single.load(weights);
      spread.load(weights);
      // 7: a micro-batch more in one group than in the other, and the last one partly empty; 1: a group without any
      for (const count of [7, 1]) {
        const { sequences, labels } = someSequences(count, count);
        const expected = await single.computeGradients(sequences, labels);
        const actual = await spread.computeGradients(sequences, labels);
        expect(actual).toEqual({ ...expected, loss: expect.closeTo(expected.loss, 5) });
        const [expectedGradients, gradients] = [await gradientsOf(single), await gradientsOf(spread)];
        for (const [name, gradient] of expectedGradients) expectClose(gradients.get(name)!, gradient, 2e-5, `${name}, ${count} sequences`);
        const held = someSequences(count, 50 + count);
        const loss = (await single.evaluate(held.sequences)).loss;
        expect((await spread.evaluate(held.sequences)).loss).toBeCloseTo(loss, 5);
        expect((await gradientsOf(spread)).get("model.norm.weight")).toEqual(gradients.get("model.norm.weight"));
      }
      // a token whose embedding is not a number: the loss of its micro-batch is left out, and there is no gradient
      const broken = new Map(weights);
      const embedding = { ...weights.get(EMBEDDING_NAME)!, data: weights.get(EMBEDDING_NAME)!.data.slice() };
      embedding.data.fill(NaN, 36 * config.hiddenSize);
      broken.set(EMBEDDING_NAME, embedding);
      single.load(broken);
      spread.load(broken);
      const { sequences } = someSequences(7, 1);
      for (const tokens of sequences) tokens.forEach((token, t) => (tokens[t] = token % 36));
      sequences[5][3] = 36;
      const expected = await single.computeGradients(sequences);
      // a tied embedding is the classifier too, and then no micro-batch has a loss
      expect(expected).toMatchObject({ nonFiniteMicroBatches: config.tieWordEmbeddings ? expect.any(Number) : 1, gradientIsFinite: false });
      expect(await spread.computeGradients(sequences)).toEqual({
        ...expected,
        loss: Number.isNaN(expected.loss) ? NaN : expect.closeTo(expected.loss, 5),
      });
      for (const gradient of (await gradientsOf(spread)).values()) expect(gradient.every((v) => v === 0)).toBe(true);
    } finally {
      await Promise.all([single.dispose(), spread.dispose()]);
    }
  });
});
