/** A whole model on both kernel profiles against its f64 twin, at sizes that divide nothing. Weights are normal, seed 1. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { BASE_PROFILES } from "@starling/shaders";
import { adamw, clip } from "@starling/shaders/reference/optim";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { llamaTwin } from "../model/llamaTwin.ts";
import type { MicroBatchShape } from "../model/llamaPlan.ts";
import { elementCount, llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { expectClose, normals } from "../model/testing.ts";
import { LlamaTrainer } from "./step.ts";

const untied: LlamaConfig = {
  vocabSize: 37,
  hiddenSize: 18,
  intermediateSize: 22,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 6, // heads * headDim is not hiddenSize
  rmsNormEps: 1e-5,
  ropeTheta: 100,
  ropeScaling: { type: "llama3", factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 16 },
  tieWordEmbeddings: false,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};
const tied: LlamaConfig = { ...untied, numLayers: 1, ropeScaling: { type: "linear", factor: 2 }, tieWordEmbeddings: true };
const TOKENS = 23;

function someWeights(config: LlamaConfig): ParameterMap {
  return new Map(
    llamaParameters(config).map(({ name, shape }, n) => {
      const data = normals(elementCount(shape), 1 + n);
      return [name, { shape, data: data.map((v) => (shape.length === 1 ? 1 + 0.2 * v : 0.3 * v)) }];
    }),
  );
}

/** Tokens that repeat; a third of the labels are not counted. */
function someSequences(count: number): { sequences: Int32Array<ArrayBuffer>[]; labels: Int32Array<ArrayBuffer>[] } {
  const draws = normals(count * TOKENS, 99);
  const sequences = Array.from({ length: count }, (_, b) =>
    Int32Array.from({ length: TOKENS }, (_, t) => Math.floor(Math.abs(draws[b * TOKENS + t]) * 12) % 37),
  );
  return { sequences, labels: sequences.map((s) => s.map((token, t) => (t % 3 === 1 ? -100 : token))) };
}

test("the twin's gradient is the slope of its loss", () => {
  for (const config of [untied, tied]) {
    const weights = someWeights(config);
    const { sequences, labels } = someSequences(2);
    const { gradients } = llamaTwin(config, weights, sequences, labels);
    for (const { name } of llamaParameters(config)) {
      const { data } = weights.get(name)!;
      const gradient = gradients.get(name)!;
      // the element with the largest gradient: rounding of the difference matters least
      const at = gradient.reduce((best, g, i) => (Math.abs(g) > Math.abs(gradient[best]) ? i : best), 0);
      const original = data[at];
      const lossAt = (value: number): [number, number] => {
        data[at] = value;
        return [data[at], llamaTwin(config, weights, sequences, labels).loss];
      };
      const [above, lossAbove] = lossAt(original + 1e-3);
      const [below, lossBelow] = lossAt(original - 1e-3);
      data[at] = original;
      const slope = (lossAbove - lossBelow) / (above - below);
      expect(Math.abs(slope / gradient[at] - 1), name).toBeLessThan(1e-3);
    }
  }
});

describe.each(BASE_PROFILES)("LlamaTrainer, %s kernels", (profile) => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice(profile);
  });
  afterAll(() => device.dispose());

  async function withTrainer(config: LlamaConfig, shape: MicroBatchShape, use: (trainer: LlamaTrainer) => Promise<void>): Promise<void> {
    const trainer = await LlamaTrainer.create(device, config, shape);
    try {
      trainer.load(someWeights(config));
      await use(trainer);
    } finally {
      await trainer.dispose();
    }
  }

  async function expectGradients(trainer: LlamaTrainer, expected: Map<string, Float64Array>): Promise<void> {
    for (const { name } of trainer.parameters.parameters) {
      expectClose(await trainer.parameters.read("grad", name), expected.get(name)!, 1e-5, name);
    }
  }

  test("products cut into short dispatches give the twin's gradients", async () => {
    const { sequences, labels } = someSequences(3);
    for (const config of [untied, tied]) {
      const twin = llamaTwin(config, someWeights(config), sequences, labels);
      // 69 rows: 64 and 5
      await withTrainer(config, { microBatchSequences: 3, sequenceTokens: TOKENS, productRows: 64 }, async (trainer) => {
        const result = await trainer.computeGradients(sequences, labels);
        expect(Math.abs(result.loss - twin.loss)).toBeLessThan(1e-5);
        await expectGradients(trainer, twin.gradients);
      });
    }
  });

  test("logits, losses and gradients are the twin's", async () => {
    const { sequences, labels } = someSequences(3);
    const twin = llamaTwin(untied, someWeights(untied), sequences, labels);
    await withTrainer(untied, { microBatchSequences: 3, sequenceTokens: TOKENS }, async (trainer) => {
      expectClose(await trainer.logits(sequences), twin.logits, 1e-5, "logits");
      const result = await trainer.computeGradients(sequences, labels);
      expect(result).toMatchObject({ tokens: 69, targets: twin.losses.filter((l) => l > 0).length, nonFiniteMicroBatches: 0 });
      expect(Math.abs(result.loss - twin.loss)).toBeLessThan(1e-5);
      expectClose(await trainer.plan.readPositionLosses(), twin.losses, 1e-5, "losses");
      await expectGradients(trainer, twin.gradients);
      // again: gradients are replaced, not added to
      await trainer.computeGradients(sequences, labels);
      await expectGradients(trainer, twin.gradients);
    });
  });

  test("tied embeddings, micro-batches with a partly empty last one, the classifier in row chunks", async () => {
    const { sequences, labels } = someSequences(7);
    const twin = llamaTwin(tied, someWeights(tied), sequences, labels);
    // 4 * 23 = 92 rows of logits in chunks of 64 and 28
    await withTrainer(tied, { microBatchSequences: 4, sequenceTokens: TOKENS, logitsChunkBytes: 1 }, async (trainer) => {
      const { loss } = await trainer.computeGradients(sequences, labels);
      expect(Math.abs(loss - twin.loss)).toBeLessThan(1e-5);
      await expectGradients(trainer, twin.gradients);
      expectClose(await trainer.logits(sequences.slice(0, 4)), twin.logits.subarray(0, 4 * TOKENS * 37), 1e-5, "logits");
      const evaluated = await trainer.evaluate(sequences, labels);
      expect(evaluated.loss).toBe(loss);
      await expectGradients(trainer, twin.gradients); // evaluation leaves them
    });
  });

  test("losses of many positions are added up by many threads first", async () => {
    const { sequences, labels } = someSequences(100); // 2,300 positions
    await withTrainer(tied, { microBatchSequences: 100, sequenceTokens: TOKENS }, async (trainer) => {
      const { loss, targets } = await trainer.computeGradients(sequences, labels);
      const losses = await trainer.plan.readPositionLosses();
      const mean = losses.reduce((sum, l) => sum + l, 0) / targets;
      expect(Math.abs(loss - mean)).toBeLessThan(1e-5 * mean);
    });
  });

  test("so are the squares of many parameters", async () => {
    const config: LlamaConfig = { ...tied, vocabSize: 68_000 }; // 2,400 chunks of the gradient
    const { sequences, labels } = someSequences(1);
    await withTrainer(config, { microBatchSequences: 1, sequenceTokens: TOKENS }, async (trainer) => {
      await trainer.computeGradients(sequences, labels);
      trainer.clip(0);
      let squares = 0;
      for (const { name } of llamaParameters(config)) {
        for (const g of await trainer.parameters.read("grad", name)) squares += g * g;
      }
      expect(Math.abs((await trainer.readGradientNorm()) / Math.sqrt(squares) - 1)).toBeLessThan(1e-5);
    });
  });

  test("clipping and three AdamW steps are the twin's", async () => {
    const settings = { learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
    const maxNorm = 0.5;
    const weights = someWeights(tied);
    const names = [...weights.keys()];
    const states = names.map((name) => {
      const p = Float64Array.from(weights.get(name)!.data);
      return { p, m: new Float64Array(p.length), v: new Float64Array(p.length) };
    });
    const { sequences, labels } = someSequences(2);
    await withTrainer(tied, { microBatchSequences: 2, sequenceTokens: TOKENS }, async (trainer) => {
      for (let step = 1; step <= 3; step++) {
        const current: ParameterMap = new Map(
          names.map((name, n) => [name, { shape: weights.get(name)!.shape, data: Float32Array.from(states[n].p) }]),
        );
        const { gradients, loss } = llamaTwin(tied, current, sequences, labels);
        const { norm, factor } = clip(
          names.flatMap((name) => [...gradients.get(name)!]),
          maxNorm,
        );
        for (const [n, name] of names.entries())
          adamw(
            states[n],
            gradients.get(name)!.map((g) => g * factor),
            step,
            settings,
          );

        const result = await trainer.computeGradients(sequences, labels);
        expect(Math.abs(result.loss - loss)).toBeLessThan(1e-4);
        trainer.clip(maxNorm);
        expect(Math.abs((await trainer.readGradientNorm()) / norm - 1)).toBeLessThan(1e-4);
        await trainer.adamWStep(settings);
      }
      for (const [n, name] of names.entries()) {
        const actual = await trainer.parameters.read("master", name);
        const differences = actual.map((v, i) => Math.abs(v - states[n].p[i])).sort();
        // AdamW divides by the gradient's size: where that is rounding noise, elements may go either way, at most lr a step
        expect(differences[Math.floor(differences.length * 0.99)], name).toBeLessThan(2e-5);
        expect(differences.at(-1), name).toBeLessThan(2 * 3 * settings.learningRate);
        expect(await trainer.parameters.read("compute", name)).toEqual(actual);
      }
    });
  });
});

describe("LlamaTrainer refuses", () => {
  let device: Device;
  let trainer: LlamaTrainer;
  beforeAll(async () => {
    device = await createTestDevice("software");
    trainer = await LlamaTrainer.create(device, tied, { microBatchSequences: 2, sequenceTokens: TOKENS });
    trainer.load(someWeights(tied));
  });
  afterAll(async () => {
    await trainer.dispose();
    device.dispose();
  });

  const sequence = (change: (s: Int32Array) => void) => {
    const s = new Int32Array(TOKENS).fill(1);
    change(s);
    return s;
  };
  test.each([
    [
      "a token beyond the vocabulary",
      [sequence((s) => (s[4] = 37))],
      undefined,
      "bad-sequence",
      /token 37 at position 4.*vocabulary of 37/,
    ],
    ["a negative token", [sequence((s) => (s[0] = -1))], undefined, "bad-sequence", /token -1/],
    ["a sequence of another length", [new Int32Array(TOKENS + 1)], undefined, "bad-sequence", /24 tokens.*made for 23/],
    [
      "a label that is neither -100 nor a token",
      [sequence(() => {})],
      [sequence((s) => (s[2] = -1))],
      "bad-label",
      /label -1 at position 2/,
    ],
    ["fewer label rows than sequences", [sequence(() => {})], [], "bad-label", /1 sequences need as many label rows, got 0/],
    ["an empty batch", [], undefined, "too-many-sequences", /got 0/],
    ["a batch without targets", [sequence(() => {})], [sequence((s) => s.fill(-100))], "no-targets", /-100/],
  ] as const)("%s", async (_, sequences, labels, code, message) => {
    await expect(trainer.computeGradients(sequences, labels ?? sequences)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

test("a micro-batch whose loss is not finite is left out of the loss and counted", async () => {
  const device = await createTestDevice("software");
  const trainer = await LlamaTrainer.create(device, { ...untied, numLayers: 1 }, { microBatchSequences: 2, sequenceTokens: TOKENS });
  const poisoned = someWeights({ ...untied, numLayers: 1 });
  poisoned.get("model.embed_tokens.weight")!.data.fill(NaN, 36 * 18, 37 * 18); // token 36
  trainer.load(poisoned);
  const { sequences, labels } = someSequences(4);
  expect(sequences.flatMap((s) => [...s])).not.toContain(36);
  const calm = await trainer.evaluate(sequences.slice(0, 2), labels.slice(0, 2));
  sequences[3][TOKENS - 2] = 36;
  const both = await trainer.evaluate(sequences, labels);
  expect(both).toEqual({ loss: calm.loss, tokens: 92, targets: 2 * calm.targets, nonFiniteMicroBatches: 1, gradientIsFinite: true });
  const wild = await trainer.evaluate(sequences.slice(2), labels.slice(2));
  expect(wild).toMatchObject({ loss: NaN, nonFiniteMicroBatches: 1 });

  // its gradient is in all sums: none is left
  expect(await trainer.computeGradients(sequences, labels)).toEqual({ ...both, gradientIsFinite: false });
  for (const { name } of trainer.parameters.parameters) {
    expect(new Set(await trainer.parameters.read("grad", name)), name).toEqual(new Set([0]));
  }
  const sane = await trainer.computeGradients(sequences.slice(0, 2), labels.slice(0, 2));
  expect(sane).toEqual({ ...calm, gradientIsFinite: true });
  await trainer.dispose();
  device.dispose();
});
