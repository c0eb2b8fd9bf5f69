/**
 * An `Engine` in plain TypeScript for simulations: two tensors of 72 parameters in all, a gradient that pulls them towards
 * values drawn from the tokens, and DisTrO through the same twins that the shaders are tested against.
 */
import { decodeResult, encodeResult, resultBytes } from "../../src/compress/wire.ts";
import { tensorLeaves, tensorRoot } from "../../src/compress/merkle.ts";
import type { ModelTensor } from "../../src/checkpoint/modelTensors.ts";
import type { BeginRound, Clock, Engine, TrainBatch, Trained } from "../../src/round/ports.ts";
import { tileLayout, tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeSparse, encodeTiles, selectTopk } from "@starling/shaders/reference/compress/encode";
import { decodeSigns } from "@starling/shaders/reference/compress/integerDecode";

const chunk = 8;
const options = { oneBit: true, topk: 6 };
const compressionDecay = 0.95;
const weightDecay = 0.1;
const names = ["matrix", "vector"];
const layouts: TileLayout[] = [tileLayout([8, 8], chunk), tileLayout([8], chunk)];

export const twinTensors: ModelTensor[] = names.map((name, i) => ({ name, layout: layouts[i] }));

export const maxPayloadBytes = resultBytes(layouts, options);

/** A value whose exponent is almost nothing becomes +0 (DESIGN.md section 4). */
const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);
function canonical(value: number): number {
  asFloat[0] = value;
  return (bits[0] & 0x7f000000) === 0 ? 0 : asFloat[0];
}

function initialTensors(): Float32Array[] {
  let state = 12345;
  return layouts.map((layout) =>
    Float32Array.from({ length: layout.elements }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return Math.fround(state / 2 ** 33);
    }),
  );
}

/** (32) of the parameters that every twin begins with. */
export const twinStartHash = tensorRoot(layouts, initialTensors());

/** What the tokens of a sequence pull parameter `i` towards, in [-1, 1). */
function targetOf(tokens: Int32Array, i: number): number {
  let mixed = Math.imul(i + 1, 0x9e3779b9);
  for (const token of tokens) mixed = Math.imul(mixed ^ token, 0x85ebca6b) ^ (mixed >>> 15);
  // half of it is the same for all data, so that there is something to learn
  return Math.sin(i) * 0.5 + (mixed >> 8) / 2 ** 24;
}

interface Sent {
  index: Uint32Array<ArrayBuffer>;
  value: Float64Array;
}

export class TwinEngine implements Engine {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  #master = initialTensors();
  #residual = layouts.map((layout) => new Float32Array(layout.elements));
  #sent: Sent[] | null = null;
  #pipeline: "overlapped" | "sync" = "overlapped";

  /** `delayMs`: how long each training takes. */
  constructor(clock: Clock, delayMs: () => number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  async startEpoch(): Promise<void> {
    for (const residual of this.#residual) residual.fill(0);
    this.#sent = null;
  }

  async beginRound(round: BeginRound): Promise<void> {
    this.#pipeline = round.pipeline;
    if (round.pipeline === "sync") this.#decay(round.decayLearningRate);
    if (round.applyLearningRate !== null) this.#apply(round.results, round.applyLearningRate);
    if (round.pipeline === "overlapped") this.#decay(round.decayLearningRate);
  }

  #apply(results: readonly Uint8Array[], learningRate: number): void {
    const decoded = results.map((result) => decodeResult(result, layouts, options));
    let first = 0;
    layouts.forEach((layout, tensor) => {
      const topk = tileTopk(layout, options.topk);
      const count = layout.tiles * topk;
      const index = new Uint32Array(decoded.length * count);
      const valueBits = new Uint32Array(decoded.length * count);
      decoded.forEach((result, peer) => {
        index.set(result.index.subarray(first, first + count), peer * count);
        valueBits.set(result.valueBits.subarray(first, first + count), peer * count);
      });
      const signs = decodeSigns(layout, { peers: decoded.length, topk, oneBit: true, index, valueBits });
      const master = this.#master[tensor];
      for (let i = 0; i < master.length; i++) master[i] = canonical(master[i] - signs[i] * learningRate);
      first += count;
    });
  }

  #decay(learningRate: number | null): void {
    if (learningRate === null) return;
    const factor = Math.fround(1 - Math.fround(learningRate * weightDecay));
    for (const master of this.#master) for (let i = 0; i < master.length; i++) master[i] = canonical(master[i] * factor);
  }

  async train({ sequences, learningRate }: TrainBatch): Promise<Trained> {
    const trainMs = this.#delayMs();
    await new Promise<void>((resolve) => this.#clock.after(trainMs, resolve));
    let loss = 0;
    let parameter = 0;
    const gradients = this.#master.map((master) =>
      Float32Array.from(master, (value) => {
        const target = sequences.reduce((sum, tokens) => sum + targetOf(tokens, parameter), 0) / sequences.length;
        parameter++;
        loss += (value - target) ** 2 / 2;
        return value - target;
      }),
    );
    const sent = gradients.map((gradient, tensor) => this.#compress(gradient, tensor, learningRate));
    const residualRoot = tensorRoot(layouts, this.#residual);
    if (this.#pipeline === "sync") this.#subtract(sent);
    else this.#sent = sent;
    const result = {
      index: Uint32Array.from(sent.flatMap(({ index }) => [...index])),
      valueBits: Uint32Array.from(sent.flatMap(({ value }) => Array.from(value, (v) => (v < 0 ? 0xbf800000 : 0x3f800000)))),
    };
    const payload = encodeResult(result, layouts, options);
    return { loss: loss / parameter, payload, residualRoot, trainMs, tokens: sequences.reduce((sum, s) => sum + s.length, 0) };
  }

  /** residual = decay * (residual - own sent of the round before) + lr * gradient; its largest coefficients are sent. */
  #compress(gradient: Float32Array, tensor: number, learningRate: number): Sent {
    const layout = layouts[tensor];
    const topk = tileTopk(layout, options.topk);
    const residual = this.#residual[tensor];
    if (this.#pipeline === "overlapped" && this.#sent !== null) this.#subtractOne(this.#sent[tensor], tensor);
    for (let i = 0; i < residual.length; i++) residual[i] = compressionDecay * residual[i] + learningRate * gradient[i];
    const coefficients = encodeTiles(layout, residual);
    const index = Uint32Array.from(selectTopk(coefficients, topk));
    return { index, value: Float64Array.from(index, (position) => coefficients[position]) };
  }

  #subtract(sent: readonly Sent[]): void {
    sent.forEach((each, tensor) => this.#subtractOne(each, tensor));
  }

  #subtractOne({ index, value }: Sent, tensor: number): void {
    const layout = layouts[tensor];
    const residual = this.#residual[tensor];
    decodeSparse(layout, tileTopk(layout, options.topk), index, value).forEach((part, i) => (residual[i] -= part));
  }

  checkPayload(payload: Uint8Array): void {
    decodeResult(payload, layouts, options);
  }

  async parameterHash(): Promise<Uint8Array> {
    return tensorRoot(layouts, this.#master);
  }

  async parameterLeaves(): Promise<Uint8Array> {
    return tensorLeaves(layouts, this.#master);
  }

  async importStart(): Promise<void> {
    this.#master = initialTensors();
  }

  /** Mean square distance from what the sequences pull towards. */
  async evaluate(sequences: readonly Int32Array[]): Promise<number> {
    let parameter = 0;
    let loss = 0;
    for (const master of this.#master) {
      for (const value of master) {
        const target = sequences.reduce((sum, tokens) => sum + targetOf(tokens, parameter), 0) / sequences.length;
        parameter++;
        loss += (value - target) ** 2 / 2;
      }
    }
    return loss / parameter;
  }

  async exportParameters(): Promise<Map<string, Float32Array>> {
    return new Map(this.#master.map((tensor, i) => [names[i], tensor.slice()]));
  }

  async importParameters(parameters: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.#master = names.map((name) => parameters.get(name)!.slice());
  }
}

/** Of a peer that wants others to train something else: what it puts up is not what it says. */
export class ForgingEngine extends TwinEngine {
  override async exportParameters(): Promise<Map<string, Float32Array>> {
    const forged = await super.exportParameters();
    forged.get("vector")![0] += 1;
    return forged;
  }
}
