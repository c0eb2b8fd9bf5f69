/**
 * Golden case `matformer/`: logits, loss and gradients of the tiers of one Llama, once as views of the whole model and once sliced, and
 * one round that mixes clients of all tiers.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeSparse } from "@starling/shaders/reference/compress/encode";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readParameters } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { decodeTierResult, tierSet, type TierSet } from "@starling/trainer-core/compress/tiers";
import type { Device } from "@starling/trainer-core/device/device";
import { prefixValues, tierRefusal, tierShape, tierWidth } from "@starling/trainer-core/model/matformer";
import { llamaParameters, type ParameterMap } from "@starling/trainer-core/model/parameters";
import { DistroOptimizer } from "@starling/trainer-core/optim/distro/distroOptimizer";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { largestDifference, load, tensor, type Loaded } from "./llama.ts";
import type { GoldenResult } from "./result.ts";

interface Meta {
  base_ffn: number;
  base_case: string;
  tiers: Record<string, { ffn: number; loss: number; grad_norm: number }>;
  mixed_round?: { lr: number; topk: number; tensors: Record<string, unknown> };
}

const CHUNK = 64;
const LOGITS_TOLERANCE = 1e-4;
const LOSS_TOLERANCE = 1e-5;
/** of the tensor's largest value */
const GRADIENT_TOLERANCE = 1e-4;
const NORM_TOLERANCE = 1e-4;
/** of the largest value in the tile */
const VALUE_TOLERANCE = 2e-5;
/** of the largest value the element could reach; the decode's proved error is 5e-6 */
const UPDATE_TOLERANCE = 1e-5;

type Numbers = ArrayLike<number>;

class Case {
  readonly folder: string;
  readonly device: Device;
  readonly meta: Meta;
  readonly config: LlamaConfig;
  readonly weights: ParameterMap;
  readonly tokens: Int32Array[];
  readonly labels: Int32Array[];
  readonly results: GoldenResult[] = [];

  private constructor(parts: Pick<Case, "folder" | "device" | "meta" | "config" | "weights" | "tokens" | "labels">) {
    this.folder = parts.folder;
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
  const file = `tier${tier}.safetensors`;
  const data = existsSync(join(golden.folder, file)) ? await load(golden.folder, file) : new Map<string, Loaded>();
  const width = tierWidth(golden.config.intermediateSize, tier);
  golden.equal(is("width"), width === expected.ffn ? 0 : 1, 1);
  const trainer = await golden.trainer(tier, sliced);
  try {
    const logits = data.get("logits");
    if (logits) {
      const first = (await trainer.logits(golden.tokens)).subarray(0, logits.data.length);
      golden.check(is("logits"), largestDifference(first, logits.data), LOGITS_TOLERANCE);
    }
    const { loss } = await trainer.computeGradients(golden.tokens, golden.labels);
    golden.check(is("loss"), Math.abs(loss - expected.loss), LOSS_TOLERANCE);
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
    if (compared > 0) golden.check(is("grads"), worst, GRADIENT_TOLERANCE);
    if (!sliced && tier > 0) golden.equal(is("gradients of the tail that are not 0"), outside, 1);
    trainer.clip(0);
    golden.check(is("gradient norm"), Math.abs((await trainer.readGradientNorm()) / expected.grad_norm - 1), NORM_TOLERANCE);
  } finally {
    await trainer.dispose();
  }
}

function count(values: Float32Array): number {
  let nonZero = 0;
  for (const value of values) if (value !== 0) nonZero++;
  return nonZero;
}

/** One round of a client of each tier; what it sends, and what the whole model's client and a sliced one make of it. */
async function mixedRound(golden: Case, oneBit: boolean, { lr, topk }: NonNullable<Meta["mixed_round"]>): Promise<void> {
  const is = (what: string) => `mixed round ${oneBit ? "1bit" : "f32"}/${what}`;
  const expected = await load(golden.folder, "mixed_round.safetensors");
  const tiers = tierSet(llamaParameters(golden.config), CHUNK);
  const numbers = Object.keys(golden.meta.tiers).map(Number);
  const widest = Math.max(...numbers);
  const refusal = tierRefusal(golden.config.intermediateSize, CHUNK, widest);
  if (refusal !== null) {
    golden.results.push({ name: is("refused"), ok: false, detail: refusal });
    return;
  }
  const names = [...new Set([...expected.keys()].map((key) => key.replace(/\.(tier\d+|f32|1bit)\.\w+$/, "")))];
  const payloads: Uint8Array[] = [];
  let whole: { trainer: LlamaTrainer; optimizer: DistroOptimizer } | null = null;
  let indices = 0;
  let compared = 0;
  let worst = 0;
  try {
    for (const tier of numbers) {
      const trainer = await golden.trainer(tier, tier > 0 && oneBit);
      const optimizer = await DistroOptimizer.create(golden.device, trainer.parameters, {
        ...{ pipeline: "sync", compressionDecay: 1, topk, chunk: CHUNK, oneBit, weightDecay: 0 },
        matformer: { tier, sliced: tier > 0 && oneBit, tiers },
      });
      await trainer.computeGradients(golden.tokens, golden.labels);
      const { payload } = await optimizer.makeResult({ learningRate: lr });
      payloads.push(payload);
      const sent = decodeTierResult(payload, tiers, { oneBit, topk });
      const values = new Float32Array(sent.valueBits.buffer);
      for (const { name, layout, k, first } of tensorsOf(tiers, golden.config, tier, topk)) {
        if (!names.includes(name)) continue;
        const index = tensor(expected, `${name}.tier${tier}.idx`).data;
        const value = tensor(expected, `${name}.tier${tier}.val`).data;
        for (let n = 0; n < layout.tiles * k; n++, compared++) {
          if (sent.index[first + n] !== index[n]) indices++;
          const tile = Array.from({ length: k }, (_, i) => Math.abs(value[Math.floor(n / k) * k + i]));
          const difference = oneBit ? Number(values[first + n] < 0 !== value[n] < 0) : Math.abs(values[first + n] - value[n]);
          worst = Math.max(worst, difference / (oneBit ? 1 : Math.max(...tile)));
        }
      }
      if (tier === 0) whole = { trainer, optimizer };
      else {
        optimizer.dispose();
        await trainer.dispose();
      }
    }
    golden.equal(is("indices"), indices, compared);
    golden.check(is(oneBit ? "signs sent" : "values"), worst, oneBit ? 0 : VALUE_TOLERANCE);
    if (whole === null) throw new Error("the golden round has no client of tier 0");
    await compareApplied(golden, is, whole, { payloads, lr, topk, oneBit, names, numbers, tiers, expected });
  } finally {
    whole?.optimizer.dispose();
    await whole?.trainer.dispose();
  }
}

interface Applied {
  payloads: readonly Uint8Array[];
  lr: number;
  topk: number;
  oneBit: boolean;
  names: readonly string[];
  numbers: readonly number[];
  tiers: TierSet;
  expected: Map<string, Loaded>;
}

/** The signs that the device applies, and in double precision the sums that they are of. */
async function compareApplied(
  golden: Case,
  is: (what: string) => string,
  { trainer, optimizer }: { trainer: LlamaTrainer; optimizer: DistroOptimizer },
  { payloads, lr, topk, oneBit, names, numbers, tiers, expected }: Applied,
): Promise<void> {
  const read = () => Promise.all(names.map((name) => trainer.parameters.read("master", name)));
  const before = await read();
  await optimizer.beginRound({ results: payloads, applyLearningRate: lr, decayLearningRate: null, lookaheadLearningRate: null });
  const after = await read();
  let unequal = 0;
  let compared = 0;
  let worstSum = 0;
  for (const [at, name] of names.entries()) {
    const { layout } = [...tensorsOf(tiers, golden.config, 0, topk)].find((each) => each.name === name)!;
    const { sum, reach } = sumOf(golden.config, name, layout, { numbers, tiers, topk, oneBit, expected });
    const wanted = oneBit ? null : tensor(expected, `${name}.f32.sum`).data;
    const sign = tensor(expected, `${name}.${oneBit ? "1bit" : "f32"}.sign`).data;
    for (let i = 0; i < sum.length; i++) {
      if (wanted) worstSum = Math.max(worstSum, reach[i] === 0 ? Math.abs(sum[i] - wanted[i]) : Math.abs(sum[i] - wanted[i]) / reach[i]);
      // where the sum is next to nothing, what is 0 and what is not is a matter of rounding
      if (sum[i] !== 0 && Math.abs(sum[i]) <= UPDATE_TOLERANCE * reach[i]) continue;
      compared++;
      if (Math.round((before[at][i] - after[at][i]) / lr) !== sign[i]) unequal++;
    }
  }
  if (!oneBit) golden.check(is("sum"), worstSum, UPDATE_TOLERANCE);
  golden.equal(is("sign"), unequal, compared);
}

/** What all clients sent for a tensor, decoded one by one and added up where each lies; and the largest value that could be there. */
function sumOf(
  config: LlamaConfig,
  name: string,
  whole: TileLayout,
  { numbers, tiers, topk, oneBit, expected }: Pick<Applied, "numbers" | "tiers" | "topk" | "oneBit" | "expected">,
): { sum: Float64Array; reach: Float64Array } {
  const sum = new Float64Array(whole.elements);
  const reach = new Float64Array(whole.elements);
  for (const tier of numbers) {
    const { layout, k } = [...tensorsOf(tiers, config, tier, topk)].find((each) => each.name === name)!;
    const index = tensor(expected, `${name}.tier${tier}.idx`).data;
    const value = Array.from(tensor(expected, `${name}.tier${tier}.val`).data, (v) => (oneBit ? (v < 0 ? -1 : 1) : v));
    const part: Numbers = decodeSparse(layout, k, index, value);
    const bound = Array.from(
      { length: layout.tiles },
      (_, tile) => value.slice(tile * k, (tile + 1) * k).reduce((total, v) => total + Math.abs(v), 0) * Math.sqrt(4 / layout.total),
    );
    for (let i = 0; i < layout.elements; i++) {
      const row = Math.floor(i / layout.columns);
      const column = i % layout.columns;
      sum[row * whole.columns + column] += part[i];
      reach[row * whole.columns + column] += bound[Math.floor(row / layout.height) * layout.gridX + Math.floor(column / layout.width)];
    }
  }
  return { sum, reach };
}

/** Every tensor of a tier with where its entries begin in a SentResult. */
function* tensorsOf({ layouts }: TierSet, config: LlamaConfig, tier: number, topk: number) {
  let first = 0;
  for (const [n, { name }] of llamaParameters(config).entries()) {
    const layout = layouts[tier][n];
    const k = tileTopk(layout, topk);
    yield { name, layout, k, first };
    first += layout.tiles * k;
  }
}
