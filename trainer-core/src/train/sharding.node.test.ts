/** A model whose matrices are all larger than what the adapter binds, against the same model on one that binds them whole. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { toHex } from "@starling/sdk/bytes";
import { afterAll, beforeAll, expect, it } from "vitest";
import { kernelRootHasher } from "../compress/rootHasher.ts";
import { TilePlan } from "../compress/tilePlan.ts";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { initialWeights } from "../model/initialWeights.ts";
import { LM_HEAD_NAME } from "../model/parameters.ts";
import { expectClose, normals } from "../model/testing.ts";
import { DistroOptimizer } from "../optim/distro/distroOptimizer.ts";
import { LlamaTrainer } from "./step.ts";

const config: LlamaConfig = {
  vocabSize: 320,
  hiddenSize: 256,
  intermediateSize: 192,
  numLayers: 1,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: null,
  tieWordEmbeddings: false,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};
const TOKENS = 8;
/** 128 rows of 256 columns, and not 129 */
const LIMIT = 128 * 256 * 4;
const CHUNK = 64;
const learningRate = Math.fround(1e-2);
const text = Array.from({ length: 3 }, (_, n) => Int32Array.from({ length: TOKENS }, (_, t) => (91 * n + 53 * t * t) % 320));

let device: Device;
beforeAll(async () => {
  device = await createTestDevice();
});
afterAll(() => device.dispose());

/** As on an adapter that binds no more than `limitBytes`. One device for all: compiling takes longest here. */
async function bound<T>(limitBytes: number, make: () => Promise<T>): Promise<T> {
  const { bindingLimitBytes } = device;
  Object.assign(device, { bindingLimitBytes: limitBytes });
  try {
    return await make();
  } finally {
    Object.assign(device, { bindingLimitBytes });
  }
}

async function makeTrainer() {
  const trainer = await LlamaTrainer.create(device, config, { sequenceTokens: TOKENS, microBatchSequences: 2, tileChunk: CHUNK });
  const distro = await DistroOptimizer.create(device, trainer.parameters, {
    pipeline: "overlapped",
    compressionDecay: 0.99,
    topk: 4,
    chunk: CHUNK,
    oneBit: false,
    weightDecay: 0.1,
  });
  trainer.load(initialWeights(config, 5));
  return { trainer, distro, parameters: trainer.parameters };
}

it("trains, compresses, applies and hashes a tensor in shards as one that is whole", async () => {
  const [whole, sharded] = [await makeTrainer(), await bound(LIMIT, makeTrainer)];
  const names = whole.parameters.parameters.filter(({ shape }) => shape.length === 2).map(({ name }) => name);
  for (const name of names) expect(whole.parameters.parameter(name).shards, name).toHaveLength(1);
  const counts = sharded.parameters.parameters.map(({ shards }) => shards.length);
  expect(Math.max(...counts)).toBe(3);
  expect(sharded.parameters.parameter(LM_HEAD_NAME).shards.map(({ firstRow, rows }) => [firstRow, rows])).toEqual([
    [0, 128],
    [128, 128],
    [256, 64],
  ]);

  // what no sum over rows of a matrix enters has the same bits; what one does, sums in another order
  const [{ loss }, { loss: shardedLoss }] = [await whole.trainer.computeGradients(text), await sharded.trainer.computeGradients(text)];
  expect(shardedLoss).toBe(loss);
  for (const { name } of whole.parameters.parameters) {
    const [expected, actual] = [await whole.parameters.read("grad", name), await sharded.parameters.read("grad", name)];
    expect(
      expected.some((v) => v !== 0),
      name,
    ).toBe(true);
    if (name === LM_HEAD_NAME) expect(actual, name).toEqual(expected);
    else expectClose(actual, expected, 2e-6, name);
  }

  // from equal gradients on everything is equal
  const sent: Uint8Array[] = [];
  for (const { parameters, distro } of [whole, sharded]) {
    distro.startEpoch();
    parameters.parameters.forEach(({ name, elements }, i) => parameters.write("grad", name, normals(elements, 77 + i)));
    const { payload, residualRoot } = await distro.makeResult({ learningRate });
    sent.push(payload);
    sent.push(residualRoot);
  }
  expect(toHex(sent[2])).toBe(toHex(sent[0]));
  expect(toHex(sent[3])).toBe(toHex(sent[1]));
  const hashes: string[] = [];
  for (const { distro } of [whole, sharded]) {
    const round = {
      results: [sent[0]],
      applyLearningRate: learningRate,
      decayLearningRate: learningRate,
      lookaheadLearningRate: learningRate,
    };
    await distro.beginRound(round);
    hashes.push(toHex(await distro.parameterHash()));
  }
  const plan = new TilePlan(device, sharded.parameters, { chunk: CHUNK, topk: 4 });
  hashes.push(toHex(await (await kernelRootHasher(plan, sharded.parameters.pools("master"))).root()));
  expect(new Set(hashes).size, hashes.join()).toBe(1);
  for (const { name } of whole.parameters.parameters) {
    for (const copy of ["master", "compute"] as const) {
      expect(await sharded.parameters.read(copy, name), `${copy} ${name}`).toEqual(await whole.parameters.read(copy, name));
    }
  }
  // the state that survives a lost device
  const state = await sharded.distro.exportState();
  expect(state.residual).toEqual((await whole.distro.exportState()).residual);
  sharded.distro.importState(state);
  expect(await sharded.distro.residualRoot()).toEqual(await whole.distro.residualRoot());
});

it("refuses, with a sentence, a matrix whose shard would still be too large", async () => {
  await expect(bound(LIMIT / 4, makeTrainer)).rejects.toMatchObject({
    code: "too-large",
    message: expect.stringMatching(/binds at most 32768/),
  });
});
