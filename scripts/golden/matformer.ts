/**
 * Golden case `matformer/`: logits, loss and gradients of the tiers of one Llama, once as views of the whole model and once sliced, and
 * one round that mixes clients of all tiers.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeSigns } from "@starling/shaders/reference/compress/integerDecode";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readParameters } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { decodeTierResult, placeResult, roundRule, tierSet, type TierResult, type TierSet } from "@starling/trainer-core/compress/tiers";
import type { Device } from "@starling/trainer-core/device/device";
import { prefixValues, tierRefusal, tierShape, tierWidth, type MatformerPart } from "@starling/trainer-core/model/matformer";
import type { ParameterMap, ParameterSpec } from "@starling/trainer-core/model/parameters";
import { ParameterSet } from "@starling/trainer-core/model/parameterSet";
import { DistroOptimizer } from "@starling/trainer-core/optim/distro/distroOptimizer";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { largestDifference, load, tensor, type Loaded } from "./llama.ts";
import type { GoldenResult } from "./result.ts";
import { llamaTolerances } from "./tolerances.ts";

interface Meta {
  base_ffn: number;
  base_case: string;
  tiers: Record<string, { ffn: number; loss: number; grad_norm: number }>;
  mixed_round?: { lr: number; topk: number; tensors: Record<string, unknown> };
}

const CHUNK = 64;
/** of the largest value in the tile */
const VALUE_TOLERANCE = 2e-5;
/** of the largest value the element could reach; the decode's proved error is 5e-6 */
const UPDATE_TOLERANCE = 1e-5;

class Case {
  readonly folder: string;
  /** of the model that has these tiers */
  readonly base: string;
  readonly device: Device;
  readonly meta: Meta;
  readonly config: LlamaConfig;
  readonly weights: ParameterMap;
  readonly tokens: Int32Array[];
  readonly labels: Int32Array[];
  readonly results: GoldenResult[] = [];

  private constructor(parts: Pick<Case, "folder" | "base" | "device" | "meta" | "config" | "weights" | "tokens" | "labels">) {
    this.folder = parts.folder;
    this.base = parts.base;
    this.device = parts.device;
    this.meta = parts.meta;
    this.config = parts.config;
    this.weights = parts.weights;
    this.tokens = parts.tokens;
    this.labels = parts.labels;
  }

  static async open(folder: string, device: Device): Promise<Case> {
    const meta = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8")) as Meta;
    const base = join(folder, "..", "llama", meta.base_case);
    if (!existsSync(base)) throw new Error(`the model of these tiers, ${base}, is not there`);
    const config = parseLlamaConfig(JSON.parse(readFileSync(join(base, "config.json"), "utf8")));
    const io = await load(base, "io.safetensors");
    const [, sequences, length] = tensor(io, "tokens").shape;
    const rows = (name: string) => {
      const data = Int32Array.from(tensor(io, name).data);
      return Array.from({ length: sequences }, (_, b) => data.slice(b * length, (b + 1) * length));
    };
    const weights = await readParameters(directoryFiles(base), config);
    return new Case({
      folder,
      base,
      device,
      meta,
      config,
      weights,
      tokens: rows("tokens"),
      labels: rows(io.has("labels") ? "labels" : "tokens"),
    });
  }

  check(name: string, difference: number, tolerance: number): void {
    this.results.push({ name, ok: difference <= tolerance, detail: `difference ${difference.toExponential(2)} (tolerance ${tolerance})` });
  }

  equal(name: string, unequal: number, compared: number): void {
    this.results.push({ name, ok: unequal === 0 && compared > 0, detail: `${unequal} unequal of ${compared}` });
  }

  /** A trainer of that tier, with the golden weights. */
  async trainer(tier: number, sliced: boolean): Promise<LlamaTrainer> {
    const shape = { microBatchSequences: this.tokens.length, sequenceTokens: this.tokens[0].length, matformer: { tier, sliced } };
    const trainer = await LlamaTrainer.create(this.device, this.config, shape);
    const held = new Map(
      [...this.weights].map(([name, { shape: whole, data }]) => {
        const part = tierShape({ name, shape: whole }, sliced ? tier : 0);
        return [name, { shape: part, data: prefixValues(data, whole, part) }];
      }),
    );
    trainer.load(held);
    return trainer;
  }
}

export async function goldenMatformer(folder: string, device: Device): Promise<GoldenResult[]> {
  const golden = await Case.open(folder, device);
  for (const [tier, expected] of Object.entries(golden.meta.tiers)) {
    for (const sliced of Number(tier) === 0 ? [false] : [false, true]) await oneTier(golden, Number(tier), sliced, expected);
  }
  if (golden.meta.mixed_round) for (const oneBit of [false, true]) await mixedRound(golden, oneBit, golden.meta.mixed_round);
  return golden.results;
}

async function oneTier(golden: Case, tier: number, sliced: boolean, expected: Meta["tiers"][string]): Promise<void> {
  const is = (what: string) => `tier${tier}${sliced ? " sliced" : ""}/${what}`;
  const tolerances = llamaTolerances(golden.device.profile);
  const file = `tier${tier}.safetensors`;
  const data = existsSync(join(golden.folder, file)) ? await load(golden.folder, file) : new Map<string, Loaded>();
  const width = tierWidth(golden.config.intermediateSize, tier);
  golden.equal(is("width"), width === expected.ffn ? 0 : 1, 1);
  const trainer = await golden.trainer(tier, sliced);
  try {
    const logits = data.get("logits");
    if (logits) {
      const first = (await trainer.logits(golden.tokens)).subarray(0, logits.data.length);
      golden.check(is("logits"), largestDifference(first, logits.data), tolerances.logits);
    }
    const { loss } = await trainer.computeGradients(golden.tokens, golden.labels);
    golden.check(is("loss"), Math.abs(loss - expected.loss), tolerances.meanLoss);
    let worst = 0;
    let outside = 0;
    let compared = 0;
    for (const { name, shape } of trainer.parameters.parameters) {
      const gradient = await trainer.parameters.read("grad", name);
      const part = tierShape({ name, shape: golden.weights.get(name)!.shape }, tier);
      const kept = prefixValues(gradient, shape, part);
      outside += count(gradient) - count(kept);
      const wanted = data.get(name);
      if (wanted === undefined) continue;
      compared++;
      const largest = wanted.data.length === 0 ? 0 : Math.max(...Array.from(wanted.data, Math.abs));
      worst = Math.max(worst, largestDifference(kept, wanted.data) / largest);
    }
    if (compared > 0) golden.check(is("grads"), worst, tolerances.gradients);
    if (!sliced && tier > 0) golden.equal(is("gradients of the tail that are not 0"), outside, 1);
    trainer.clip(0);
    golden.check(is("gradient norm"), Math.abs((await trainer.readGradientNorm()) / expected.grad_norm - 1), tolerances.norms);
  } finally {
    await trainer.dispose();
  }
}

function count(values: Float32Array): number {
  let nonZero = 0;
  for (const value of values) if (value !== 0) nonZero++;
  return nonZero;
}

/** One round of a client of each tier, from the golden gradients: what it sends, and what the whole model's client makes of all that. */
async function mixedRound(golden: Case, oneBit: boolean, { lr, topk }: NonNullable<Meta["mixed_round"]>): Promise<void> {
  const is = (what: string) => `mixed round ${oneBit ? "1bit" : "f32"}/${what}`;
  const expected = await load(golden.folder, "mixed_round.safetensors");
  const names = [...new Set([...expected.keys()].map((key) => key.replace(/\.(tier\d+|f32|1bit)\.\w+$/, "")))].sort();
  const whole = names.map((name) => ({ name, shape: golden.weights.get(name)!.shape }));
  const tiers = tierSet(whole, CHUNK);
  const numbers = Object.keys(golden.meta.tiers).map(Number);
  const refusal = tierRefusal(golden.config.intermediateSize, CHUNK, Math.max(...numbers));
  if (refusal !== null) {
    golden.results.push({ name: is("refused"), ok: false, detail: refusal });
    return;
  }
  const clients: Client[] = [];
  try {
    let indices = 0;
    let compared = 0;
    let worst = 0;
    for (const tier of numbers) {
      // one of each kind: what a client holds does not change what it sends
      const client = await Client.create(golden.device, whole, { lr, topk, oneBit, tiers }, { tier, sliced: tier > 0 && oneBit });
      clients.push(client);
      const gradients = await (tier === 0 ? load(golden.base, "grads.safetensors") : load(golden.folder, `tier${tier}.safetensors`));
      const sent = await client.train(gradients);
      const values = new Float32Array(sent.valueBits.buffer);
      for (const { name, layout, k, first } of tensorsOf(whole, tiers, tier, topk)) {
        const index = tensor(expected, `${name}.tier${tier}.idx`).data;
        const value = tensor(expected, `${name}.tier${tier}.val`).data;
        for (let n = 0; n < layout.tiles * k; n++, compared++) {
          if (sent.index[first + n] !== index[n]) indices++;
          const inTile = Array.from({ length: k }, (_, i) => Math.abs(value[Math.floor(n / k) * k + i]));
          const difference = oneBit ? Number(values[first + n] < 0 !== value[n] < 0) : Math.abs(values[first + n] - value[n]);
          worst = Math.max(worst, difference / (oneBit ? 1 : Math.max(...inTile)));
        }
      }
    }
    golden.equal(is("indices"), indices, compared);
    golden.check(is(oneBit ? "signs sent" : "values"), worst, oneBit ? 0 : VALUE_TOLERANCE);
    await compareApplied(golden, is, clients, { whole, lr, topk, oneBit, tiers, expected });
  } finally {
    for (const client of clients) client.dispose();
  }
}

interface Round {
  lr: number;
  topk: number;
  oneBit: boolean;
  tiers: TierSet;
}

class Client {
  readonly part: MatformerPart;
  readonly parameters: ParameterSet;
  readonly #optimizer: DistroOptimizer;
  readonly #round: Round;
  payload: Uint8Array = new Uint8Array();

  private constructor(part: MatformerPart, parameters: ParameterSet, optimizer: DistroOptimizer, round: Round) {
    this.part = part;
    this.parameters = parameters;
    this.#optimizer = optimizer;
    this.#round = round;
  }

  /** Its parameters are zero. */
  static async create(device: Device, whole: readonly ParameterSpec[], round: Round, part: MatformerPart): Promise<Client> {
    const held = whole.map((each) => ({ name: each.name, shape: tierShape(each, part.sliced ? part.tier : 0) }));
    const parameters = new ParameterSet(device, held);
    const { topk, oneBit, tiers } = round;
    const optimizer = await DistroOptimizer.create(device, parameters, {
      ...{ pipeline: "sync", compressionDecay: 1, topk, chunk: CHUNK, oneBit, weightDecay: 0 },
      matformer: { ...part, tiers },
    });
    return new Client(part, parameters, optimizer, round);
  }

  /** `gradients` are those of its tier; what it holds beyond has none. */
  async train(gradients: Map<string, Loaded>): Promise<TierResult> {
    for (const { name, shape } of this.parameters.parameters) {
      const { shape: part, data } = tensor(gradients, name);
      const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
      const columns = part.at(-1)!;
      for (let i = 0; i < data.length; i++) values[Math.floor(i / columns) * shape.at(-1)! + (i % columns)] = data[i];
      this.parameters.write("grad", name, values);
    }
    const { lr, oneBit, topk, tiers } = this.#round;
    this.payload = (await this.#optimizer.makeResult({ learningRate: lr })).payload;
    return decodeTierResult(this.payload, tiers, { oneBit, topk });
  }

  async apply(payloads: readonly Uint8Array[]): Promise<void> {
    await this.#optimizer.beginRound({
      results: payloads,
      applyLearningRate: this.#round.lr,
      decayLearningRate: null,
      lookaheadLearningRate: null,
    });
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.parameters.dispose();
  }
}

/** The signs that devices apply, and what they are the signs of, as the integer decode has it. */
async function compareApplied(
  golden: Case,
  is: (what: string) => string,
  clients: readonly Client[],
  { whole, lr, topk, oneBit, tiers, expected }: Round & { whole: readonly ParameterSpec[]; expected: Map<string, Loaded> },
): Promise<void> {
  const payloads = clients.map(({ payload }) => payload);
  for (const client of clients) await client.apply(payloads);
  const decoded = payloads.map((payload) => decodeTierResult(payload, tiers, { oneBit, topk }));
  const placed = decoded.map((result) => placeResult(result, tiers.layouts[result.tier], tiers.layouts[0], topk));
  const numbers = decoded.map(({ tier }) => tier);
  const sum = roundRule(tiers, numbers) === "sum";
  let unequal = 0;
  let compared = 0;
  let apart = 0;
  let shared = 0;
  let worst = 0;
  for (const { name, layout, k, first } of tensorsOf(whole, tiers, 0, topk)) {
    const joined = (part: "index" | "valueBits") =>
      Uint32Array.from(placed.flatMap((result) => [...result[part].subarray(first, first + layout.tiles * k)]));
    const update = new Float64Array(layout.elements);
    decodeSigns(
      layout,
      { peers: placed.length, topk: k, oneBit, sum, index: joined("index"), valueBits: joined("valueBits") },
      (element) => {
        update[element.at] = element.update;
      },
    );
    const reach = reachOf(name, layout, { whole, numbers, tiers, topk, oneBit, expected });
    const wanted = oneBit ? null : tensor(expected, `${name}.f32.sum`).data;
    const sign = tensor(expected, `${name}.${oneBit ? "1bit" : "f32"}.sign`).data;
    const steps = (await clients[0].parameters.read("master", name)).map((value) => Math.round(-value / lr));
    for (let i = 0; i < update.length; i++) {
      if (wanted) worst = Math.max(worst, reach[i] === 0 ? Math.abs(update[i] - wanted[i]) : Math.abs(update[i] - wanted[i]) / reach[i]);
      // where the sum is next to nothing, what is 0 and what is not is a matter of rounding
      const isUnsure = sign[i] !== 0 && Math.abs(wanted ? wanted[i] : update[i]) <= UPDATE_TOLERANCE * reach[i];
      if (isUnsure) continue;
      compared++;
      if (steps[i] !== sign[i]) unequal++;
    }
    for (const { parameters } of clients.slice(1)) {
      const { shape } = parameters.parameter(name);
      const all = await clients[0].parameters.read("master", name);
      const part = prefixValues(all, layout.shape, shape);
      shared += part.length;
      apart += (await parameters.read("master", name)).filter((value, i) => value !== part[i]).length;
    }
  }
  if (!oneBit) golden.check(is("sum"), worst, UPDATE_TOLERANCE);
  golden.equal(is("sign"), unequal, compared);
  golden.equal(is("what clients share"), apart, shared);
}

/** The largest value that could be at each element: all that was sent for its tiles, with one sign. */
function reachOf(
  name: string,
  layout: TileLayout,
  of: Omit<Round, "lr"> & { whole: readonly ParameterSpec[]; numbers: readonly number[]; expected: Map<string, Loaded> },
): Float64Array {
  const reach = new Float64Array(layout.elements);
  for (const tier of of.numbers) {
    const { layout: part, k } = [...tensorsOf(of.whole, of.tiers, tier, of.topk)].find((each) => each.name === name)!;
    const value = Array.from(tensor(of.expected, `${name}.tier${tier}.val`).data, (v) => (of.oneBit ? 1 : Math.abs(v)));
    for (let i = 0; i < part.elements; i++) {
      const row = Math.floor(i / part.columns);
      const column = i % part.columns;
      const tile = Math.floor(row / part.height) * part.gridX + Math.floor(column / part.width);
      const total = value.slice(tile * k, (tile + 1) * k).reduce((a, b) => a + b, 0);
      reach[row * layout.columns + column] += total * Math.sqrt(4 / part.total);
    }
  }
  return reach;
}

/** Every tensor of a tier with where its entries begin in a SentResult. */
function* tensorsOf(whole: readonly ParameterSpec[], { layouts }: TierSet, tier: number, topk: number) {
  let first = 0;
  for (const [n, { name }] of whole.entries()) {
    const layout = layouts[tier][n];
    const k = tileTopk(layout, topk);
    yield { name, layout, k, first };
    first += layout.tiles * k;
  }
}
