/**
 * A Llama that writes: the forward pass over a few new tokens, with the keys and values of all earlier ones cached on the device.
 * A prompt goes in in pieces of many rows (matrix products), what follows token by token (matrix-vector products).
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { baseProfile } from "@starling/shaders";
import { embeddingGather } from "@starling/shaders/kernels/embedding";
import { appendCache, attendCache, matvec, type CacheShape } from "@starling/shaders/kernels/generate";
import { crossEntropy } from "@starling/shaders/kernels/loss";
import { matmul } from "@starling/shaders/kernels/matmul";
import { swigluForward } from "@starling/shaders/kernels/mlp";
import { normForward } from "@starling/shaders/kernels/norm";
import type { Device, Dispatch } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { DispatchListBuilder } from "../model/dispatchList.ts";
import { layerWeight } from "../model/layerPlan.ts";
import { EMBEDDING_NAME, LM_HEAD_NAME } from "../model/parameters.ts";
import { ropeTable } from "../model/rope.ts";
import { columnsOf, shardsOf, type Bound } from "../model/tensor.ts";
import { GenerateError } from "./errors.ts";

export interface GeneratorOptions {
  /** the model's tensor on the device, f32, row-major, in shards where it cannot be bound at once; only read */
  weight(name: string): Bound;
  /** tokens of prompt and continuation together; left out: all positions the model has */
  contextTokens?: number;
  /** rows of a piece of a prompt; default 32 */
  pieceTokens?: number;
}

const PIECE_TOKENS = 32;

interface Rows {
  rows: number;
  tokens: GPUBuffer; // (rows) i32
  stream: GPUBuffer; // (rows, hidden)
  middle: GPUBuffer; // (rows, hidden)
  normed: GPUBuffer; // (rows, hidden): also what the head reads
  rstd: GPUBuffer; // (rows)
  q: GPUBuffer; // (rows, heads * headDim)
  k: GPUBuffer; // (rows, kvHeads * headDim)
  v: GPUBuffer;
  attended: GPUBuffer; // (rows, heads * headDim)
  gate: GPUBuffer; // (rows, intermediate)
  up: GPUBuffer;
  mixed: GPUBuffer;
  forward: Dispatch[];
}

/** Log-probabilities of chosen tokens at every row of a piece. */
interface Scorer {
  scales: GPUBuffer;
  targets: GPUBuffer; // (rows) i32
  logits: GPUBuffer; // (rows, vocabulary)
  losses: GPUBuffer; // (rows)
  list: Dispatch[];
}

export class Generator {
  readonly device: Device;
  readonly config: LlamaConfig;
  readonly contextTokens: number;
  readonly pieceTokens: number;
  readonly #weight: (name: string) => Bound;
  readonly #buffers: GPUBuffer[] = [];
  readonly #sizes = new Map<string, GPUBuffer>();
  /** of each layer (positions, kvHeads * headDim) */
  readonly #keys: GPUBuffer[];
  readonly #values: GPUBuffer[];
  /** context and one piece: a piece's unused rows lie behind its last token, where nothing reads them */
  readonly #positions: number;
  readonly #step: GPUBuffer;
  readonly #hostStep = new Uint32Array(4);
  readonly #hostTokens: Int32Array<ArrayBuffer>;
  readonly #hostTargets: Int32Array<ArrayBuffer>;
  readonly #ropeTable: GPUBuffer;
  readonly #logits: GPUBuffer;
  readonly #one: Rows;
  readonly #piece: Rows;
  #head: Dispatch[] = [];
  #scorer: Promise<Scorer> | null = null;
  #length = 0;

  private constructor(device: Device, config: LlamaConfig, { weight, contextTokens, pieceTokens }: GeneratorOptions) {
    this.device = device;
    this.config = config;
    this.contextTokens = contextTokens ?? config.maxPositionEmbeddings;
    this.pieceTokens = Math.min(pieceTokens ?? PIECE_TOKENS, this.contextTokens);
    this.#weight = weight;
    this.#positions = this.contextTokens + this.pieceTokens;
    try {
      const keyBytes = this.#positions * config.numKvHeads * config.headDim * 4;
      this.#keys = Array.from({ length: config.numLayers }, (_, l) => this.#make(`cached keys ${l}`, keyBytes));
      this.#values = Array.from({ length: config.numLayers }, (_, l) => this.#make(`cached values ${l}`, keyBytes));
      this.#step = this.#own(device.uniform("generate step", 16));
      this.#hostTokens = new Int32Array(this.pieceTokens);
      this.#hostTargets = new Int32Array(this.pieceTokens);
      this.#ropeTable = this.#own(device.bufferOf("generate rope table", ropeTable(config, this.#positions)));
      this.#logits = this.#make("generate logits", config.vocabSize * 4);
      this.#one = this.#rows(1);
      this.#piece = this.#rows(this.pieceTokens);
    } catch (error) {
      this.dispose(); // what was allocated before a tensor was too large
      throw error;
    }
  }

  /** Allocates and compiles. Errors: DeviceError (too-large, out-of-memory, wgsl), GenerateError bad-setting. */
  static async create(device: Device, config: LlamaConfig, options: GeneratorOptions): Promise<Generator> {
    const { contextTokens } = options;
    if (contextTokens !== undefined && !(contextTokens >= 1 && contextTokens <= config.maxPositionEmbeddings)) {
      throw new GenerateError(
        "bad-setting",
        `the context must have 1 to ${config.maxPositionEmbeddings} tokens, the model's positions, got ${contextTokens}`,
      );
    }
    let generator: Generator | null = null;
    try {
      const made = await allocated(device, () => (generator = new Generator(device, config, options)));
      [made.#one.forward, made.#piece.forward, made.#head] = await Promise.all([
        made.#buildForward(made.#one),
        made.#buildForward(made.#piece),
        made.#buildHead(),
      ]);
      return made;
    } catch (error) {
      (generator as Generator | null)?.dispose();
      throw error;
    }
  }

  /** tokens in the cache */
  get length(): number {
    return this.#length;
  }

  /** Forgets all but the first `length` tokens; 0 also after the weights have changed. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, Math.max(0, length));
  }

  /** Puts 1 to `pieceTokens` tokens into the cache, queued. Errors: GenerateError bad-prompt. */
  append(tokens: ArrayLike<number>): void {
    this.#forward(tokens);
  }

  /** As `append`, and gives what the last of them leads to: logits (vocabulary). */
  async appendForLogits(tokens: ArrayLike<number>): Promise<Float32Array<ArrayBuffer>> {
    const { device, config } = this;
    const rows = this.#forward(tokens);
    // the head reads the one-row buffer
    if (rows !== this.#one) {
      const bytes = config.hiddenSize * 4;
      device.copy(rows.normed, this.#one.normed, bytes, (tokens.length - 1) * bytes);
    }
    device.run(this.#head);
    return new Float32Array(await device.read(this.#logits, config.vocabSize * 4));
  }

  /**
   * As `append`, and gives the log-probability (nats) of `targets[i]` after the text up to and with `tokens[i]`; 0 where the
   * target is below 0. Errors: GenerateError bad-prompt.
   */
  async appendForScores(tokens: ArrayLike<number>, targets: ArrayLike<number>): Promise<Float64Array> {
    const scorer = await (this.#scorer ??= this.#buildScorer());
    this.#checkTokens(targets, "target", true);
    this.#forward(tokens, this.#piece);
    this.#hostTargets.fill(-100).set(targets);
    this.device.write(scorer.targets, this.#hostTargets);
    this.device.run(scorer.list);
    const losses = new Float32Array(await this.device.read(scorer.losses, tokens.length * 4));
    return Float64Array.from(losses, (loss, i) => (targets[i] < 0 ? 0 : -loss));
  }

  /** Allocates and compiles what scores need; else the first of them does. Errors: DeviceError (too-large, out-of-memory, wgsl). */
  async prepareScores(): Promise<void> {
    await (this.#scorer ??= this.#buildScorer());
  }

  dispose(): void {
    for (const buffer of [...this.#buffers, ...this.#sizes.values()]) buffer.destroy();
  }

  #forward(tokens: ArrayLike<number>, rows = tokens.length === 1 ? this.#one : this.#piece): Rows {
    if (tokens.length < 1 || tokens.length > this.pieceTokens) {
      throw new GenerateError("bad-prompt", `a piece has 1 to ${this.pieceTokens} tokens, got ${tokens.length}`);
    }
    if (this.#length + tokens.length > this.contextTokens) {
      throw new GenerateError(
        "bad-prompt",
        `${tokens.length} tokens after ${this.#length} do not fit into a context of ${this.contextTokens} tokens`,
      );
    }
    this.#checkTokens(tokens, "token", false);
    this.#hostStep[0] = this.#length;
    this.#hostTokens.fill(0).set(tokens);
    this.device.write(this.#step, this.#hostStep);
    this.device.write(rows.tokens, rows.rows === 1 ? this.#hostTokens.subarray(0, 1) : this.#hostTokens);
    this.device.run(rows.forward);
    this.#length += tokens.length;
    return rows;
  }

  /** Every token would index GPU memory. */
  #checkTokens(tokens: ArrayLike<number>, what: string, mayBeNone: boolean): void {
    const { vocabSize } = this.config;
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i];
      if (mayBeNone && token < 0) continue;
      if (!(Number.isInteger(token) && token >= 0 && token < vocabSize)) {
        throw new GenerateError(
          "bad-prompt",
          `${what} ${token} is outside the model's vocabulary of ${vocabSize}: is this the model's tokenizer?`,
        );
      }
    }
  }

  #own(buffer: GPUBuffer): GPUBuffer {
    this.#buffers.push(buffer);
    return buffer;
  }

  #make(label: string, bytes: number): GPUBuffer {
    return this.#own(this.device.buffer(label, bytes));
  }

  #rows(rows: number): Rows {
    const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim } = this.config;
    const make = (label: string, columns: number) => this.#make(`generate ${label} x${rows}`, rows * columns * 4);
    return {
      rows,
      tokens: make("tokens", 1),
      stream: make("stream", hiddenSize),
      middle: make("middle", hiddenSize),
      normed: make("normed", hiddenSize),
      rstd: make("rstd", 1),
      q: make("q", numHeads * headDim),
      k: make("k", numKvHeads * headDim),
      v: make("v", numKvHeads * headDim),
      attended: make("attended", numHeads * headDim),
      gate: make("gate", intermediateSize),
      up: make("up", intermediateSize),
      mixed: make("mixed", intermediateSize),
      forward: [],
    };
  }

  #buildForward(r: Rows): Promise<Dispatch[]> {
    const { rows } = r;
    const { numHeads, numKvHeads, headDim, hiddenSize: hidden, intermediateSize: ffn, numLayers, rmsNormEps } = this.config;
    const profile = baseProfile(this.device.profile);
    const list = new DispatchListBuilder(this.device, this.#sizes);
    const shape: CacheShape = { rows, queryHeads: numHeads, keyHeads: numKvHeads, headDim, positions: this.#positions };
    const project = (name: string, n: number, k: number, x: Bound, y: Bound, residual: Bound | null = null): void =>
      this.#addProduct(list, rows, [n, k], x, this.#weight(name), y, residual);
    const norm = (name: string, x: Bound): void =>
      list.call(
        normForward(profile, rows, hidden, rmsNormEps, undefined, this.device.features.subgroups),
        x,
        this.#weight(name),
        r.normed,
        r.rstd,
      );

    const table = this.#weight(EMBEDDING_NAME);
    for (const shard of shardsOf(table) ?? [null]) {
      list.call(embeddingGather(rows, hidden, undefined, shard), r.tokens, shard ?? table, r.stream);
    }
    for (let l = 0; l < numLayers; l++) {
      norm(layerWeight(l, "input_layernorm"), r.stream);
      project(layerWeight(l, "self_attn.q_proj"), numHeads * headDim, hidden, r.normed, r.q);
      project(layerWeight(l, "self_attn.k_proj"), numKvHeads * headDim, hidden, r.normed, r.k);
      project(layerWeight(l, "self_attn.v_proj"), numKvHeads * headDim, hidden, r.normed, r.v);
      list.call(appendCache(shape), this.#step, this.#ropeTable, r.q, r.k, r.v, this.#keys[l], this.#values[l]);
      list.call(attendCache(profile, shape), this.#step, r.q, this.#keys[l], this.#values[l], r.attended);
      project(layerWeight(l, "self_attn.o_proj"), hidden, numHeads * headDim, r.attended, r.middle, r.stream);
      norm(layerWeight(l, "post_attention_layernorm"), r.middle);
      project(layerWeight(l, "mlp.gate_proj"), ffn, hidden, r.normed, r.gate);
      project(layerWeight(l, "mlp.up_proj"), ffn, hidden, r.normed, r.up);
      list.call(swigluForward(rows * ffn), r.gate, r.up, r.mixed);
      project(layerWeight(l, "mlp.down_proj"), hidden, ffn, r.mixed, r.stream, r.middle);
    }
    norm("model.norm.weight", r.stream);
    return list.build();
  }

  /** y = x W^T (+ residual), W (n, k) */
  #addProduct(
    list: DispatchListBuilder,
    rows: number,
    [n, k]: readonly [n: number, k: number],
    x: Bound,
    w: Bound,
    y: Bound,
    residual: Bound | null = null,
  ): void {
    const profile = baseProfile(this.device.profile);
    for (const shard of shardsOf(w) ?? [{ firstRow: 0, rows: n }]) {
      const { firstRow, rows: width } = shard;
      const part = "buffer" in shard ? shard : w;
      /** the columns that these rows of W give */
      const columns = (bound: Bound): Bound => (width === n ? bound : columnsOf(bound, firstRow, rows, width, n));
      const [to, added] = [columns(y), residual === null ? null : columns(residual)];
      if (rows === 1) list.call(matvec(profile, width, k, added !== null), part, x, added ?? x, to);
      else {
        const options = { adapter: this.device.features, pitches: { c: n } };
        list.call(matmul(profile, "forward", added === null ? "overwrite" : "residual", rows, width, k, options), x, part, added ?? x, to);
      }
    }
  }

  get #headWeight(): Bound {
    return this.#weight(this.config.tieWordEmbeddings ? EMBEDDING_NAME : LM_HEAD_NAME);
  }

  #buildHead(): Promise<Dispatch[]> {
    const { vocabSize, hiddenSize } = this.config;
    const list = new DispatchListBuilder(this.device, this.#sizes);
    this.#addProduct(list, 1, [vocabSize, hiddenSize], this.#one.normed, this.#headWeight, this.#logits);
    return list.build();
  }

  /** Made when a text is scored for the first time: logits of a whole piece are large. */
  async #buildScorer(): Promise<Scorer> {
    const { device, pieceTokens } = this;
    const { vocabSize, hiddenSize } = this.config;
    const profile = baseProfile(device.profile);
    const parts = await allocated(device, () => ({
      scales: this.#own(device.uniform("score scales", 16)),
      targets: this.#make("score targets", pieceTokens * 4),
      logits: this.#make("score logits", pieceTokens * vocabSize * 4),
      losses: this.#make("score losses", pieceTokens * 4),
    }));
    const list = new DispatchListBuilder(device, this.#sizes);
    this.#addProduct(list, pieceTokens, [vocabSize, hiddenSize], this.#piece.normed, this.#headWeight, parts.logits);
    list.call(
      crossEntropy(profile, pieceTokens, vocabSize, false, device.features.subgroups),
      parts.scales,
      parts.targets,
      parts.logits,
      parts.losses,
    );
    return { ...parts, list: await list.build() };
  }
}

/**
 * What `make` allocates, or DeviceError out-of-memory where the adapter has no room for it: caught here, since an engine that trains
 * on the same device must not stop for it.
 */
async function allocated<T>(device: Device, make: () => T): Promise<T> {
  const { gpu } = device;
  gpu.pushErrorScope("out-of-memory");
  let made: T;
  try {
    made = make();
  } catch (error) {
    await device.pending(gpu.popErrorScope());
    throw error;
  }
  const failure = await device.pending(gpu.popErrorScope());
  if (failure === null) return made;
  throw new DeviceError("out-of-memory", `the adapter has no memory left for generating text: ${failure.message}`);
}
