/** A model that is trained in halves: its loss and gradients against the f64 twin, its loss scale, and what is never rounded. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { loadRunConfig } from "@starling/config/presets.node";
import { toHex } from "@starling/sdk/bytes";
import { BASE_PROFILES } from "@starling/shaders";
import { roundToStorage } from "@starling/shaders/reference/storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { llamaTwin } from "../model/llamaTwin.ts";
import { elementCount, llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { expectClose, normals } from "../model/testing.ts";
import { TrainingEngine } from "./engine.ts";
import { choosePrecision, STORAGES_OF, type Precision } from "./precision.ts";
import { runPlan } from "./runPlan.ts";
import { LlamaTrainer } from "./step.ts";

const config: LlamaConfig = {
  vocabSize: 36,
  hiddenSize: 20,
  intermediateSize: 28,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 100,
  ropeScaling: null,
  tieWordEmbeddings: true,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};
const TOKENS = 23;
const SEQUENCES = 5;
/** Micro-batches of 92 rows; logits, and products, in pieces of 64. */
const SHAPE = { microBatchSequences: 4, sequenceTokens: TOKENS, productRows: 64 };

const weights: ParameterMap = new Map(
  llamaParameters(config).map(({ name, shape }, n) => {
    const data = normals(elementCount(shape), 1 + n);
    return [name, { shape, data: data.map((v) => (shape.length === 1 ? 1 + 0.2 * v : 0.3 * v)) }];
  }),
);
const draws = normals(SEQUENCES * TOKENS, 99);
const sequences = Array.from({ length: SEQUENCES }, (_, b) =>
  Int32Array.from({ length: TOKENS }, (_, t) => Math.floor(Math.abs(draws[b * TOKENS + t]) * 12) % 36),
);

/** As a share of a tensor's largest gradient: halves have 11 bits, and some ten of them lie between a loss and a gradient. */
const TOLERANCE = 0.01;
/** A software adapter compiles for a minute when others keep it busy. */
const TIMEOUT_MS = 300_000;

async function expectTwinsGradients(trainer: LlamaTrainer): Promise<void> {
  const { loss, gradients } = llamaTwin(config, weights, sequences, sequences);
  const result = await trainer.computeGradients(sequences);
  expect(result).toMatchObject({ gradientIsFinite: true, nonFiniteMicroBatches: 0, tokens: SEQUENCES * TOKENS });
  expect(Math.abs(result.loss - loss)).toBeLessThan(2e-3);
  for (const { name } of trainer.parameters.parameters) {
    expectClose(await trainer.parameters.read("grad", name), gradients.get(name)!, TOLERANCE, name);
  }
}

describe.each(BASE_PROFILES)("LlamaTrainer in halves, %s kernels", (profile) => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice(profile);
  });
  afterAll(() => device.dispose());

  test.for(["packed-f16", "f16"] satisfies Precision[])(
    "%s: the twin's loss and gradients; a scale that overflows is found",
    { timeout: TIMEOUT_MS },
    async (precision, context) => {
      if (precision === "f16" && !device.features.shaderF16) return context.skip(`${device.adapter.description} has no shader-f16`);
      const trainer = await LlamaTrainer.create(device, config, { ...SHAPE, storages: STORAGES_OF[precision] });
      trainer.load(weights);
      for (const { name } of trainer.parameters.parameters) {
        const { data } = weights.get(name)!;
        expect(await trainer.parameters.read("master", name)).toEqual(data);
        expect([...(await trainer.parameters.read("compute", name))]).toEqual([...roundToStorage(data, "f16")]);
      }
      const start = trainer.lossScale!;
      await expectTwinsGradients(trainer);
      expect(trainer.lossScale).toEqual({ perTarget: start.perTarget, cleanBatches: 1 });

      // gradients beyond 65504: run again until they fit, and the result is the same gradient
      trainer.lossScale = { perTarget: 2 ** 30, cleanBatches: 5 };
      await expectTwinsGradients(trainer);
      expect(trainer.lossScale.perTarget).toBeLessThan(2 ** 27);
      expect(trainer.lossScale.cleanBatches).toBe(1);

      // a loss that is no number: no scale is to blame, and no gradient is left
      const { lossScale } = trainer;
      const up = "model.layers.1.mlp.up_proj.weight";
      trainer.parameters.write("master", up, weights.get(up)!.data.slice().fill(NaN, 7, 8));
      trainer.parameters.copyMasterToCompute();
      expect(await trainer.computeGradients(sequences)).toMatchObject({ loss: NaN, gradientIsFinite: false });
      for (const { name } of trainer.parameters.parameters) {
        expect(new Set(await trainer.parameters.read("grad", name)), name).toEqual(new Set([0]));
      }
      expect(trainer.lossScale).toEqual(lossScale);
      await trainer.dispose();
    },
  );
});

test("an engine in halves sends nothing for such a batch, and never rounds the master copy", async () => {
  const plan = runPlan(loadRunConfig("test", process.cwd()).config);
  const device = await createTestDevice();
  const engine = await TrainingEngine.create(device, plan, { microBatchSequences: 2, precision: "packed-f16" });
  expect(engine.precision.precision).toBe("packed-f16");
  const { parameters } = engine.trainer;
  const text = [1, 2].map((n) => Int32Array.from({ length: plan.sequenceTokens }, (_, t) => 97 + ((n * t) % 7)));
  const learningRate = Math.fround(1e-3);
  const round = { applyLearningRate: null, decayLearningRate: null, pipeline: "overlapped", lookaheadLearningRate: null } as const;

  await engine.startEpoch();
  await engine.beginRound({ ...round, results: [] });
  const { loss } = await engine.train({ sequences: text, learningRate });
  expect(loss).toBeGreaterThan(4);
  const hash = toHex(await engine.parameterHash());
  const residual = await engine.distro.exportResidual();
  await engine.beginRound({ ...round, results: [], lookaheadLearningRate: learningRate });
  for (const { name } of parameters.parameters) {
    const master = await parameters.read("master", name);
    const delta = residual.get(name)!;
    const ahead = master.map((v, at) => Math.fround(v - learningRate * Math.sign(delta[at])));
    expect([...(await parameters.read("compute", name))], name).toEqual([...roundToStorage(ahead, "packed")]);
  }
  expect(toHex(await engine.parameterHash())).toBe(hash);

  const name = "model.norm.weight";
  const whole = await parameters.read("master", name);
  parameters.write("master", name, new Float32Array(whole.length).fill(NaN));
  parameters.copyMasterToCompute();
  await expect(engine.train({ sequences: text, learningRate })).rejects.toMatchObject({
    code: "not-finite",
    message: expect.stringContaining("the batch of 2 sequences has no finite gradient: its loss is not a number"),
  });
  expect(await engine.distro.exportResidual()).toEqual(residual);
  parameters.write("master", name, whole);
  parameters.copyMasterToCompute();
  expect((await engine.train({ sequences: text, learningRate })).loss).toBeGreaterThan(4);
  device.dispose();
});

test("the precision is chosen by adapter and model, and refused with what to do", () => {
  const gpu = (shaderF16: boolean, isFallbackAdapter = false) =>
    ({ features: { shaderF16 }, adapter: { isFallbackAdapter, device: "", description: "a GPU", vendor: "", architecture: "" } }) as Pick<
      Device,
      "features" | "adapter"
    >;
  const odd = { ...config, headDim: 6 };
  expect(choosePrecision("auto", gpu(true), config).precision).toBe("f16");
  expect(choosePrecision("auto", gpu(false), config).precision).toBe("packed-f16");
  expect(choosePrecision("auto", gpu(true, true), config).precision).toBe("f32");
  expect(choosePrecision("auto", gpu(true), odd)).toEqual({
    precision: "f32",
    reason: "the model's head dimension of 6 is no multiple of 4",
  });
  expect(choosePrecision("f32", gpu(true), odd).precision).toBe("f32");
  const oddVocabulary = { ...config, vocabSize: 50257 };
  expect(choosePrecision("auto", gpu(true), oddVocabulary).precision).toBe("f16");
  expect(choosePrecision("auto", gpu(false), oddVocabulary)).toEqual({
    precision: "f32",
    reason: "the model's vocabulary of 50257 is no multiple of 4",
  });
  expect(choosePrecision("packed-f16", gpu(true, true), config).precision).toBe("packed-f16");
  expect(() => choosePrecision("f16", gpu(false), config)).toThrow(/a GPU offers no shader-f16: use --precision packed-f16/);
  expect(() => choosePrecision("packed-f16", gpu(true), odd)).toThrow(/head dimension of 6 is no multiple of 4: use --precision f32/);
});
