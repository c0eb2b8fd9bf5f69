import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tileTopk } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeSigns } from "@starling/shaders/reference/compress/integerDecode";
import { seededRandom } from "@starling/shaders/reference/compress/testSent";
import { decodeTierResult, placeResult, roundRule, tierSet, type TierSet } from "../../compress/tiers.ts";
import { resultBytes } from "../../compress/wire.ts";
import type { Device } from "../../device/device.ts";
import { createTestDevice } from "../../device/testDevice.node.ts";
import { prefixValues, tierShape, type MatformerPart } from "../../model/matformer.ts";
import { ParameterSet, type ParameterShape } from "../../model/parameterSet.ts";
import { DistroOptimizer, type DistroOptions, type DistroResult } from "./distroOptimizer.ts";

const SEED = 77;
const ROUNDS = 4;
const LEARNING_RATE = 0.01;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** A layer's feed-forward tensors of `width` neurons, and one that all tiers have whole. By ascending name. */
function model(width: number): ParameterShape[] {
  const block = "model.layers.0.mlp";
  return [
    { name: `${block}.down_proj.weight`, shape: [24, width] },
    { name: `${block}.gate_proj.weight`, shape: [width, 24] },
    { name: `${block}.up_proj.weight`, shape: [width, 24] },
    { name: "model.norm.weight", shape: [24] },
  ];
}

const PARTS: MatformerPart[] = [
  { tier: 0, sliced: false },
  { tier: 1, sliced: false },
  { tier: 1, sliced: true },
  { tier: 2, sliced: true },
  { tier: 2, sliced: false },
];

class Client {
  readonly part: MatformerPart;
  readonly parameters: ParameterSet;
  readonly optimizer: DistroOptimizer;
  private constructor(part: MatformerPart, parameters: ParameterSet, optimizer: DistroOptimizer) {
    this.part = part;
    this.parameters = parameters;
    this.optimizer = optimizer;
  }

  static async create(
    device: Device,
    whole: ParameterShape[],
    tiers: TierSet,
    part: MatformerPart,
    options: DistroOptions,
  ): Promise<Client> {
    const held = whole.map((tensor) => ({ name: tensor.name, shape: tierShape(tensor, part.sliced ? part.tier : 0) }));
    const parameters = new ParameterSet(device, held);
    const random = seededRandom(SEED);
    for (const { name, shape } of whole) {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() - 0.5);
      parameters.write("master", name, prefixValues(values, shape, parameters.parameter(name).shape));
    }
    return new Client(part, parameters, await DistroOptimizer.create(device, parameters, { ...options, matformer: { ...part, tiers } }));
  }

  /** A gradient of its own, nothing outside of its tier. */
  async train(whole: ParameterShape[], random: () => number): Promise<DistroResult> {
    for (const tensor of whole) {
      const { shape } = this.parameters.parameter(tensor.name);
      const [rows, columns = 1] = tierShape(tensor, this.part.tier);
      const width = shape[1] ?? 1;
      const gradient = new Float32Array(shape.reduce((a, b) => a * b));
      for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) gradient[row * width + column] = random() - 0.5;
      this.parameters.write("grad", tensor.name, gradient);
    }
    return this.optimizer.makeResult({ learningRate: LEARNING_RATE });
  }

  dispose(): void {
    this.optimizer.dispose();
    this.parameters.dispose();
  }
}

describe("clients of several tiers in one run", () => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice("software");
  });
  afterAll(() => device.dispose());

  /** 64 neurons in tiles of 16: every tier's width is a multiple of that, the mean rule. 40 = 10 * 4, chunk 16: the sum rule. */
  it.each([
    { width: 64, chunk: 16, rule: "mean", pipeline: "overlapped", oneBit: true },
    { width: 40, chunk: 16, rule: "sum", pipeline: "sync", oneBit: true },
    { width: 64, chunk: 16, rule: "mean", pipeline: "sync", oneBit: false },
    { width: 40, chunk: 16, rule: "sum", pipeline: "overlapped", oneBit: false },
  ] as const)("hold the same bits of what they share: $rule rule, $pipeline, 1-bit $oneBit (seed 77)", async (setting) => {
    const { width, chunk, rule, pipeline, oneBit } = setting;
    const whole = model(width);
    const tiers = tierSet(whole, chunk);
    const options: DistroOptions = { pipeline, oneBit, chunk, compressionDecay: 0.95, topk: 3, weightDecay: 0.1 };
    const clients: Client[] = [];
    try {
      for (const part of PARTS) clients.push(await Client.create(device, whole, tiers, part, options));
      const random = seededRandom(SEED + 1);
      const sent: Uint8Array[][] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const results = pipeline === "sync" ? [] : (sent[round - 2] ?? []);
        // in the second round that applies, only narrow clients had a batch: a tail that nobody sent stays as it is
        const applied = round === ROUNDS - 1 ? results.slice(1) : results;
        for (const { optimizer } of clients) {
          await optimizer.beginRound({
            results: applied,
            applyLearningRate: applied.length > 0 ? LEARNING_RATE : null,
            decayLearningRate: LEARNING_RATE,
            lookaheadLearningRate: LEARNING_RATE,
          });
        }
        const payloads = [];
        for (const client of clients) {
          const { payload, residualRoot } = await client.train(whole, random);
          expect(residualRoot).toHaveLength(32);
          expect(payload.length).toBe(resultBytes(tiers.layouts[client.part.tier], options));
          for (const other of clients) other.optimizer.checkPayload(payload);
          payloads.push(payload);
        }
        sent.push(payloads);
        if (pipeline === "sync") {
          const masters = await Promise.all(whole.map(({ name }) => clients[0].parameters.read("master", name)));
          for (const { optimizer } of clients) {
            await optimizer.beginRound({
              results: payloads,
              applyLearningRate: LEARNING_RATE,
              decayLearningRate: null,
              lookaheadLearningRate: null,
            });
          }
          if (round === 0) await expectDefined(clients[0], masters, payloads, tiers, options, rule);
        }
        await expectShared(clients, whole);
      }
    } finally {
      for (const client of clients) client.dispose();
    }
  });

  it("two clients that differ in what they hold, not in their tier, send and root the same", async () => {
    const whole = model(64);
    const tiers = tierSet(whole, 16);
    const options: DistroOptions = { pipeline: "sync", oneBit: false, chunk: 16, compressionDecay: 0.95, topk: 3, weightDecay: 0 };
    const answers = [];
    for (const sliced of [false, true]) {
      const client = await Client.create(device, whole, tiers, { tier: 2, sliced }, options);
      const { payload, residualRoot } = await client.train(whole, seededRandom(SEED));
      answers.push([hex(payload), hex(residualRoot)]);
      client.dispose();
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it("refuses a tier whose tiles would not be the whole model's", async () => {
    const whole = model(96);
    const options: DistroOptions = { pipeline: "sync", oneBit: true, chunk: 64, compressionDecay: 1, topk: 3, weightDecay: 0 };
    const tiers = tierSet(whole, 64);
    // 96 = 48 * 2, 48 = 48, 24 = 24
    expect(tiers.layouts).toHaveLength(2);
    await expect(Client.create(device, whole, tiers, { tier: 2, sliced: false }, options)).rejects.toThrow(
      /tier 2: .*tiles of 48, those of tier 2 \(24 neurons\) would be in tiles of 24.*largest tier is 1/,
    );
  });
});

/** Of every tensor the part that two clients both hold has equal bits, and the leaves of the narrower are among the whole model's. */
async function expectShared(clients: readonly Client[], whole: readonly ParameterShape[]): Promise<void> {
  const [first, ...others] = clients;
  const rootOfAll = hex(await first.optimizer.parameterHash());
  const leaves = new Set(cut(await first.optimizer.parameterLeaves()));
  for (const { part, parameters, optimizer } of others) {
    if (!part.sliced) expect(hex(await optimizer.parameterHash())).toBe(rootOfAll);
    for (const leaf of cut(await optimizer.parameterLeaves())) expect(leaves.has(leaf)).toBe(true);
    for (const { name, shape } of whole) {
      const all = await first.parameters.read("master", name);
      const held = parameters.parameter(name).shape;
      expect(new Uint32Array((await parameters.read("master", name)).buffer)).toEqual(
        new Uint32Array(prefixValues(all, shape, held).slice().buffer),
      );
    }
  }
}

const cut = (leaves: Uint8Array) => Array.from({ length: leaves.length / 32 }, (_, i) => hex(leaves.subarray(32 * i, 32 * (i + 1))));

/** What was applied is what the definition says of all results together. */
async function expectDefined(
  client: Client,
  before: readonly Float32Array[],
  payloads: readonly Uint8Array[],
  tiers: TierSet,
  { oneBit, topk }: DistroOptions,
  rule: "mean" | "sum",
): Promise<void> {
  const decoded = payloads.map((payload) => decodeTierResult(payload, tiers, { oneBit, topk }));
  expect(decoded.map(({ tier }) => tier)).toEqual(PARTS.map(({ tier }) => tier));
  const chosen = roundRule(
    tiers,
    decoded.map(({ tier }) => tier),
  );
  expect(chosen).toBe(rule);
  const [whole] = tiers.layouts;
  const placed = decoded.map((result) => placeResult(result, tiers.layouts[result.tier], whole, topk));
  let first = 0;
  for (const [tensor, layout] of whole.entries()) {
    const k = tileTopk(layout, topk);
    const count = layout.tiles * k;
    const joined = (part: "index" | "valueBits") => Uint32Array.from(placed.flatMap((r) => [...r[part].subarray(first, first + count)]));
    const sent = { peers: placed.length, topk: k, oneBit, sum: rule === "sum", index: joined("index"), valueBits: joined("valueBits") };
    const signs = decodeSigns(layout, sent);
    const after = await client.parameters.read("master", client.parameters.parameters[tensor].name);
    const expected = before[tensor].map((value, i) => Math.fround(value - Math.fround(signs[i] * Math.fround(LEARNING_RATE))));
    expect(after).toEqual(expected);
    first += count;
  }
}
