/** Golden case `distro/`: the transform, and four runs ({sync, overlapped} x {f32, 1 bit}) of several peers over several rounds. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fixedBasis, orthonormal } from "@starling/shaders/reference/compress/basis";
import { decodeSigns, mergeTile } from "@starling/shaders/reference/compress/integerDecode";
import { MAX_TILE_SIDE, tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { bytesReader } from "@starling/trainer-core/checkpoint/checkpointFiles";
import { readSafetensors } from "@starling/trainer-core/checkpoint/safetensors";
import { decodeResult, type SentResult } from "@starling/trainer-core/compress/wire";
import type { Device } from "@starling/trainer-core/device/device";
import { ParameterSet } from "@starling/trainer-core/model/parameterSet";
import { DistroOptimizer, type DistroOptions } from "@starling/trainer-core/optim/distro/distroOptimizer";
import type { GoldenResult } from "./result.ts";

interface Meta {
  peers: number;
  rounds: number;
  topk: number;
  chunk: number;
  decay: number;
  wd: number;
  lr: number[];
  tensors: Record<string, { shape: number[] }>;
}

type Numbers = ArrayLike<number>;

function required(tensors: Map<string, Numbers>, name: string, elements: number): Numbers {
  const values = tensors.get(name);
  if (values?.length !== elements)
    throw new Error(`the golden tensor ${name} should have ${elements} elements, has ${values?.length ?? "none"}`);
  return values;
}

const BASIS_TOLERANCE = 1e-6;
/** of the largest value in the tile */
const VALUE_TOLERANCE = 2e-5;
/** of the largest value the tile could reach; the decode's proved error is 5e-6 */
const UPDATE_TOLERANCE = 1e-5;
const PARAMETER_TOLERANCE = 1e-6;
const DELTA_TOLERANCE = 1e-6;

async function load(folder: string, name: string): Promise<Map<string, Numbers>> {
  const tensors = await readSafetensors(bytesReader(new Uint8Array(readFileSync(join(folder, name)))), name);
  return new Map([...tensors].map(([key, tensor]) => [key, tensor.data as Numbers]));
}

/** Counts unequal elements and keeps the largest difference, over the elements that may be compared. */
class Comparison {
  compared = 0;
  unequal = 0;
  largest = 0;
  add(difference: number): void {
    this.compared++;
    if (difference !== 0) this.unequal++;
    if (!(difference <= this.largest)) this.largest = Number.isNaN(difference) ? Infinity : difference;
  }
  /** Nothing when the golden data have no such tensor: small sets leave out what is large. */
  withinIfAny(name: string, tolerance: number): GoldenResult[] {
    return this.compared > 0 ? [this.within(name, tolerance)] : [];
  }
  within(name: string, tolerance: number): GoldenResult {
    const ok = this.compared > 0 && this.largest <= tolerance;
    return { name, ok, detail: `largest difference ${this.largest.toExponential(2)} of ${this.compared} (tolerance ${tolerance})` };
  }
  equal(name: string): GoldenResult {
    return { name, ok: this.compared > 0 && this.unequal === 0, detail: `${this.unequal} unequal of ${this.compared}` };
  }
}

const largestOf = (values: Numbers, from: number, count: number) => {
  let largest = 0;
  for (let i = from; i < from + count; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
};

/** |difference| / largest; where everything is zero, no difference is no share. */
const share = (difference: number, largest: number) => (difference === 0 ? 0 : Math.abs(difference) / largest);

export async function goldenDistro(folder: string, device: Device): Promise<GoldenResult[]> {
  const meta = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8")) as Meta;
  const start = await load(folder, "params0.safetensors");
  const parameters = new ParameterSet(
    device,
    Object.entries(meta.tensors).map(([name, { shape }]) => ({ name, shape })),
  );
  const reset = () => {
    for (const { name, elements } of parameters.parameters) {
      parameters.write("master", name, Float32Array.from(required(start, name, elements)));
    }
  };
  const results = await orFailure("transform", () => transform(folder, meta.chunk, device, parameters, start));
  for (const [file, pipeline] of [
    ["sync", "sync"],
    ["psyche", "overlapped"],
  ] as const) {
    for (const oneBit of [false, true]) {
      const name = `${file}_${oneBit ? "1bit" : "f32"}`;
      if (!existsSync(join(folder, `${name}.safetensors`))) continue;
      reset();
      const options = { pipeline, oneBit, compressionDecay: meta.decay, topk: meta.topk, chunk: meta.chunk, weightDecay: meta.wd };
      results.push(...(await orFailure(name, () => new Run(name, meta, device, parameters, options).compare(folder))));
    }
  }
  parameters.dispose();
  return results;
}

/** What throws has failed; the other parts still run. */
async function orFailure(name: string, run: () => Promise<GoldenResult[]>): Promise<GoldenResult[]> {
  try {
    return await run();
  } catch (error) {
    return [{ name: `${name}/run`, ok: false, detail: (error as Error).stack ?? String(error) }];
  }
}

/** The tables against `basis{n}`, and the encoder against `{tensor}.coef`: with every coefficient sent, top-k is the transform. */
async function transform(
  folder: string,
  chunk: number,
  device: Device,
  parameters: ParameterSet,
  start: Map<string, Numbers>,
): Promise<GoldenResult[]> {
  if (!existsSync(join(folder, "transform.safetensors"))) return [];
  const golden = await load(folder, "transform.safetensors");
  const basis = new Comparison();
  for (const [name, values] of golden) {
    const n = Number(/^basis(\d+)$/.exec(name)?.[1]);
    for (let at = 0; at < n * n; at++) basis.add(Math.abs(values[at] - orthonormal(fixedBasis(n), at % n, Math.floor(at / n))));
  }
  const options = {
    pipeline: "sync",
    oneBit: false,
    compressionDecay: 1,
    topk: MAX_TILE_SIDE ** 2,
    chunk,
    weightDecay: 0,
  } as const;
  const optimizer = await DistroOptimizer.create(device, parameters, options);
  for (const { name, elements } of parameters.parameters)
    parameters.write("grad", name, Float32Array.from(required(start, name, elements)));
  const { payload } = await optimizer.makeResult({ learningRate: 1 });
  const sent = decodeResult(payload, optimizer.layouts, options);
  const values = new Float32Array(sent.valueBits.buffer);
  const coefficients = new Comparison();
  let first = 0;
  for (const { name, index } of parameters.parameters) {
    const { elements, total } = optimizer.layouts[index];
    const expected = golden.get(`${name}.coef`);
    const got = values.subarray(first, first + elements);
    if (expected)
      got.forEach((v, at) => coefficients.add(share(v - expected[at], largestOf(expected, Math.floor(at / total) * total, total))));
    first += elements;
  }
  optimizer.dispose();
  return [...basis.withinIfAny("transform/basis", BASIS_TOLERANCE), ...coefficients.withinIfAny("transform/coefficients", VALUE_TOLERANCE)];
}

/** One run: every peer has an optimizer over the same parameters; the first one applies. */
class Run {
  readonly #name: string;
  readonly #meta: Meta;
  readonly #device: Device;
  readonly #parameters: ParameterSet;
  readonly #options: DistroOptions;
  readonly #peers: DistroOptimizer[] = [];
  #golden = new Map<string, Numbers>();
  /** elements whose sign some round left to float rounding, by tensor */
  readonly #unsure = new Map<string, Set<number>>();
  readonly #index = new Comparison();
  readonly #value = new Comparison();
  readonly #sign = new Comparison();
  readonly #update = new Comparison();
  readonly #lookahead = new Comparison();

  constructor(name: string, meta: Meta, device: Device, parameters: ParameterSet, options: DistroOptions) {
    this.#name = name;
    this.#meta = meta;
    this.#device = device;
    this.#parameters = parameters;
    this.#options = options;
  }

  async compare(folder: string): Promise<GoldenResult[]> {
    try {
      return await this.#compareAll(folder);
    } finally {
      for (const peer of this.#peers) peer.dispose();
    }
  }

  async #compareAll(folder: string): Promise<GoldenResult[]> {
    const { rounds, peers, lr } = this.#meta;
    const overlapped = this.#options.pipeline === "overlapped";
    this.#golden = await load(folder, `${this.#name}.safetensors`);
    const gradients = await load(folder, "grads_f16.safetensors");
    for (let p = 0; p < peers; p++) this.#peers.push(await DistroOptimizer.create(this.#device, this.#parameters, this.#options));
    const sent: Uint8Array[][] = [];
    for (let r = 0; r < rounds; r++) {
      if (overlapped && r >= 2) await this.#apply(r, sent[r - 2], lr[r]);
      await this.#peers[0].beginRound({
        results: [],
        applyLearningRate: null,
        decayLearningRate: lr[r],
        lookaheadLearningRate: overlapped ? lr[Math.max(0, r - 1)] : null,
      });
      if (overlapped) await this.#compareLookahead(r);
      sent.push([]);
      for (const [p, peer] of this.#peers.entries()) {
        for (const { name, elements } of this.#parameters.parameters) {
          this.#parameters.write("grad", name, Float32Array.from(required(gradients, `r${r}.p${p}.${name}`, elements)));
        }
        const { payload } = await peer.makeResult({ learningRate: lr[r] });
        this.#compareSent(r, p, payload);
        sent[r].push(payload);
      }
      if (!overlapped) await this.#apply(r, sent[r], lr[r]);
    }
    if (overlapped) for (const r of [rounds, rounds + 1]) await this.#apply(r, sent[r - 2], lr.at(-1)!);

    const final = new Comparison();
    for (const { name } of this.#parameters.parameters) {
      const values = await this.#parameters.read("master", name);
      const expected = required(this.#golden, `final.${name}`, values.length);
      values.forEach((v, at) => this.#unsure.get(name)?.has(at) || final.add(Math.abs(v - expected[at])));
    }
    const delta = new Comparison();
    for (const [name, values] of await this.#peers[0].exportResidual()) {
      const expected = this.#golden.get(`final.p0.${name}.delta`);
      if (expected) values.forEach((v, at) => delta.add(Math.abs(v - expected[at])));
    }
    const is = (what: string) => `${this.#name}/${what}`;
    return [
      this.#index.equal(is("indices")),
      this.#options.oneBit ? this.#value.equal(is("signs sent")) : this.#value.within(is("values"), VALUE_TOLERANCE),
      this.#sign.equal(is("signs applied")),
      ...(overlapped
        ? this.#lookahead.withinIfAny(is("look-ahead"), PARAMETER_TOLERANCE)
        : this.#update.withinIfAny(is("update"), UPDATE_TOLERANCE)),
      final.within(is("final parameters"), PARAMETER_TOLERANCE),
      ...delta.withinIfAny(is("final residual"), DELTA_TOLERANCE),
    ];
  }

  #compareSent(round: number, peer: number, payload: Uint8Array): void {
    const sent = decodeResult(payload, this.#peers[0].layouts, this.#options);
    const values = new Float32Array(sent.valueBits.buffer);
    for (const { name, layout, topk, first } of this.#tensors()) {
      const key = `r${round}.p${peer}.${name}`;
      const index = required(this.#golden, `${key}.idx`, layout.tiles * topk);
      const value = required(this.#golden, `${key}.${this.#options.oneBit ? "neg" : "val"}`, layout.tiles * topk);
      for (let n = 0; n < layout.tiles * topk; n++) {
        this.#index.add(Math.abs(sent.index[first + n] - index[n]));
        if (this.#options.oneBit) this.#value.add(Math.abs((sent.valueBits[first + n] >>> 31) - value[n]));
        else this.#value.add(share(values[first + n] - value[n], largestOf(value, Math.floor(n / topk) * topk, topk)));
      }
    }
  }

  async #apply(round: number, payloads: readonly Uint8Array[], learningRate: number): Promise<void> {
    const read = async () => Promise.all(this.#parameters.parameters.map((p) => this.#parameters.read("master", p.name)));
    const before = await read();
    await this.#peers[0].beginRound({
      results: payloads,
      applyLearningRate: learningRate,
      decayLearningRate: null,
      lookaheadLearningRate: null,
    });
    const after = await read();
    for (const { name, index } of this.#parameters.parameters) {
      const expected = required(this.#golden, `r${round}.${name}.sign`, before[index].length);
      const unsure = new Set(Array.from(this.#golden.get(`r${round}.${name}.unsure`) ?? []));
      const everUnsure = this.#unsure.get(name) ?? new Set();
      this.#unsure.set(name, everUnsure.union(unsure));
      before[index].forEach((v, at) => {
        if (!unsure.has(at)) this.#sign.add(Math.abs(Math.round((v - after[index][at]) / learningRate) - expected[at]));
      });
    }
    this.#compareUpdate(round, payloads);
  }

  /** The signs come from integers; what they stand for is held against the golden update through the twin. */
  #compareUpdate(round: number, payloads: readonly Uint8Array[]): void {
    const results = payloads.map((bytes) => decodeResult(bytes, this.#peers[0].layouts, this.#options));
    for (const { name, layout, topk, first } of this.#tensors()) {
      const expected = this.#golden.get(`r${round}.${name}.update`);
      if (!expected) continue;
      const count = layout.tiles * topk;
      const joined = (part: (result: SentResult) => Uint32Array) =>
        Uint32Array.from(results.flatMap((r) => [...part(r).subarray(first, first + count)]));
      const sent = {
        peers: results.length,
        topk,
        oneBit: this.#options.oneBit,
        index: joined((r) => r.index),
        valueBits: joined((r) => r.valueBits),
      };
      const norm = (side: number) => (side === 1 ? 1 : Math.sqrt(2 / side));
      const reach = Array.from({ length: layout.tiles }, (_, tile) => {
        const { q, unit } = mergeTile(layout, sent, tile);
        return q.reduce((sum, v) => sum + Math.abs(Number(v)), 0) * unit * norm(layout.height) * norm(layout.width);
      });
      decodeSigns(layout, sent, ({ at, tile, update }) => this.#update.add(share(update - expected[at], reach[tile])));
    }
  }

  async #compareLookahead(round: number): Promise<void> {
    for (const { name } of this.#parameters.parameters) {
      const expected = this.#golden.get(`r${round}.p0.${name}.lookahead`);
      if (!expected) continue;
      const values = await this.#parameters.read("compute", name);
      values.forEach((v, at) => this.#unsure.get(name)?.has(at) || this.#lookahead.add(Math.abs(v - expected[at])));
    }
  }

  /** Every tensor with where its entries begin in a SentResult. */
  *#tensors(): Generator<{ name: string; layout: TileLayout; topk: number; first: number }> {
    let first = 0;
    for (const { name, index } of this.#parameters.parameters) {
      const layout = this.#peers[0].layouts[index];
      const topk = tileTopk(layout, this.#options.topk);
      yield { name, layout, topk, first };
      first += layout.tiles * topk;
    }
  }
}
