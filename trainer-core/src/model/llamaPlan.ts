/**
 * A Llama's forward and backward pass over one micro-batch as prebuilt lists of dispatches: nothing is allocated, compiled or
 * read back while they run. Reads the parameters' `compute` copy and accumulates into `grad`.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { attentionBackwardKeys, attentionBackwardQueries, attentionForward, attentionRope } from "@starling/shaders/kernels/attention";
import { embeddingGather, embeddingScatterAdd, tokenOccurrences } from "@starling/shaders/kernels/embedding";
import { crossEntropy, lossSum } from "@starling/shaders/kernels/loss";
import { swigluBackward, swigluForward } from "@starling/shaders/kernels/mlp";
import { NORM_SLICE_ROWS, normBackward, normForward, normSumSlices, normWeightGradient } from "@starling/shaders/kernels/norm";
import type { Device, Dispatch } from "../device/device.ts";
import { allocateActivations, type Activations } from "./activations.ts";
import { DispatchListBuilder, type Bound } from "./dispatchList.ts";
import type { ParameterSet } from "./parameterSet.ts";
import { LM_HEAD_NAME } from "./parameters.ts";
import { ropeTable } from "./rope.ts";

export interface MicroBatchShape {
  microBatchSequences: number;
  sequenceTokens: number;
  /** Logits are made in row chunks of at most this (64 rows at least), so that a large vocabulary does not decide the memory needed. */
  logitsChunkBytes?: number;
  /** Most rows of a matrix product in one dispatch, a multiple of 64: on a slow adapter that is shared none may take long. Left out: all. */
  productRows?: number;
}

/** Micro-batches a step can have: each leaves its loss in a slot of its own until the step's one readback. */
export const MAX_MICRO_BATCHES = 4096;

const DEFAULT_LOGITS_CHUNK_BYTES = 64 * 2 ** 20;
/** Chunks start at multiples of 64 rows: then every slice starts at a multiple of 256 bytes, as bindings must. */
const CHUNK_ALIGN_ROWS = 64;

interface RowChunk {
  first: number;
  rows: number;
}

export class LlamaPlan {
  readonly device: Device;
  readonly config: LlamaConfig;
  readonly shape: MicroBatchShape;
  /** sequences * tokens */
  readonly rows: number;
  readonly #activations: Activations;
  readonly #tokens: GPUBuffer;
  readonly #targets: GPUBuffer;
  readonly #occurrences: GPUBuffer;
  readonly #logits: GPUBuffer;
  readonly #rowLosses: GPUBuffer;
  readonly #lossSums: GPUBuffer;
  readonly #scales: GPUBuffer;
  readonly #slot: GPUBuffer;
  readonly #ropeTable: GPUBuffer;
  readonly #sizes = new Map<string, GPUBuffer>();
  readonly #chunks: RowChunk[] = [];
  // host staging, reused so that a step makes no typed array
  readonly #hostTargets: Int32Array<ArrayBuffer>;
  readonly #hostOccurrences: Uint32Array<ArrayBuffer>;
  readonly #hostCounts: Uint32Array<ArrayBuffer>;
  readonly #hostScales = new Float32Array(4);
  readonly #hostSlot = new Uint32Array(4);
  #forward: Dispatch[] = [];
  #headEvaluate: Dispatch[] = [];
  #headTrain: Dispatch[] = [];
  #backward: Dispatch[] = [];
  #headLogits: Dispatch[][] = [];

  private constructor(device: Device, config: LlamaConfig, shape: MicroBatchShape) {
    this.device = device;
    this.config = config;
    this.shape = shape;
    this.rows = shape.microBatchSequences * shape.sequenceTokens;
    const { rows } = this;
    const rowBytes = config.vocabSize * 4;
    const limit = Math.min(shape.logitsChunkBytes ?? DEFAULT_LOGITS_CHUNK_BYTES, device.gpu.limits.maxStorageBufferBindingSize);
    const wanted = Math.floor(limit / rowBytes / CHUNK_ALIGN_ROWS) * CHUNK_ALIGN_ROWS;
    const chunkRows = Math.min(rows, shape.productRows ?? rows, Math.max(CHUNK_ALIGN_ROWS, wanted));
    for (let first = 0; first < rows; first += chunkRows) this.#chunks.push({ first, rows: Math.min(chunkRows, rows - first) });
    this.#activations = allocateActivations(device, config, rows, Math.ceil(rows / NORM_SLICE_ROWS));
    this.#tokens = device.buffer("tokens", rows * 4);
    this.#targets = device.buffer("targets", rows * 4);
    this.#occurrences = device.buffer("occurrences", (2 * rows + 1) * 4);
    this.#logits = device.buffer("logits", chunkRows * rowBytes);
    this.#rowLosses = device.buffer("row losses", rows * 4);
    this.#lossSums = device.buffer("loss sums", MAX_MICRO_BATCHES * 4);
    this.#scales = device.uniform("loss scale", 16);
    this.#slot = device.uniform("loss slot", 16);
    this.#ropeTable = device.bufferOf("rope table", ropeTable(config, shape.sequenceTokens));
    this.#hostTargets = new Int32Array(rows);
    this.#hostOccurrences = new Uint32Array(2 * rows + 1);
    this.#hostCounts = new Uint32Array(config.vocabSize);
  }

  /** Allocates, compiles every pipeline and builds the lists. Errors: DeviceError (wgsl, too-large). */
  static async create(device: Device, parameters: ParameterSet, config: LlamaConfig, shape: MicroBatchShape): Promise<LlamaPlan> {
    const plan = new LlamaPlan(device, config, shape);
    await Promise.all([
      plan.#buildForward(parameters).then((list) => (plan.#forward = list)),
      plan.#buildHead(parameters, false).then((list) => (plan.#headEvaluate = list)),
      plan.#buildHead(parameters, true).then((list) => (plan.#headTrain = list)),
      plan.#buildBackward(parameters).then((list) => (plan.#backward = list)),
      Promise.all(plan.#chunks.map((chunk) => plan.#buildLogits(parameters, chunk))).then((lists) => (plan.#headLogits = lists)),
    ]);
    return plan;
  }

  /**
   * Uploads one micro-batch, in queue order. `tokens`, `labels` (sequences, tokens), row-major; labels are aligned with the
   * inputs: position t predicts labels[t + 1], the last position nothing, and a label below 0 (-100) counts for nothing.
   * Values must be below the vocabulary's size: the caller checks. Gradients are multiplied by `gradientScale`, usually
   * 1 / targets of the whole batch; the sum of losses goes to `slot`.
   */
  upload(tokens: Int32Array<ArrayBuffer>, labels: Int32Array<ArrayBuffer>, gradientScale: number, slot: number): void {
    const { sequenceTokens } = this.shape;
    for (let m = 0; m < this.rows; m++) {
      this.#hostTargets[m] = (m + 1) % sequenceTokens === 0 ? -100 : labels[m + 1];
    }
    tokenOccurrences(tokens, this.#hostCounts, this.#hostOccurrences);
    this.#hostScales[0] = gradientScale;
    this.#hostSlot[0] = slot;
    this.device.write(this.#tokens, tokens);
    this.device.write(this.#targets, this.#hostTargets);
    this.device.write(this.#occurrences, this.#hostOccurrences);
    this.device.write(this.#scales, this.#hostScales);
    this.device.write(this.#slot, this.#hostSlot);
  }

  /** Forward and loss of the uploaded micro-batch. */
  runForwardLoss(): void {
    this.device.run(this.#forward);
    this.device.run(this.#headEvaluate);
  }

  /** Forward, loss and backward: adds to the gradients. */
  runForwardBackward(): void {
    this.device.run(this.#forward);
    this.device.run(this.#headTrain);
    this.device.run(this.#backward);
  }

  /** The parts of `runForwardBackward`, to time them. */
  get phases(): Readonly<Record<"forward" | "head" | "backward", readonly Dispatch[]>> {
    return { forward: this.#forward, head: this.#headTrain, backward: this.#backward };
  }

  /** Sums of losses of slots 0 to count - 1; the step's one wait. */
  async readLossSums(count: number): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.device.read(this.#lossSums, count * 4));
  }

  /** Loss at every position of the last micro-batch that ran (sequences, tokens); 0 where there is no target. */
  async readPositionLosses(): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.device.read(this.#rowLosses, this.rows * 4));
  }

  /** Runs forward on the uploaded micro-batch and returns logits (sequences, tokens, vocabulary). For tests and sampling. */
  async readLogits(): Promise<Float32Array<ArrayBuffer>> {
    const { vocabSize } = this.config;
    const logits = new Float32Array(this.rows * vocabSize);
    this.device.run(this.#forward);
    for (const [n, { first, rows }] of this.#chunks.entries()) {
      this.device.run(this.#headLogits[n]);
      logits.set(new Float32Array(await this.device.read(this.#logits, rows * vocabSize * 4)), first * vocabSize);
    }
    return logits;
  }

  dispose(): void {
    const own = [this.#tokens, this.#targets, this.#occurrences, this.#logits, this.#rowLosses, this.#lossSums];
    for (const b of [...this.#activations.all, ...own, this.#scales, this.#slot, this.#ropeTable, ...this.#sizes.values()]) b.destroy();
  }

  get #attentionShape() {
    const { numHeads, numKvHeads, headDim } = this.config;
    return {
      batch: this.shape.microBatchSequences,
      sequence: this.shape.sequenceTokens,
      queryHeads: numHeads,
      keyHeads: numKvHeads,
      headDim,
    };
  }

  get #headName(): string {
    return this.config.tieWordEmbeddings ? "model.embed_tokens.weight" : LM_HEAD_NAME;
  }

  #buildForward(parameters: ParameterSet): Promise<Dispatch[]> {
    const { config, rows, device } = this;
    const { hiddenSize: hidden, intermediateSize: intermediate } = config;
    const queryWidth = config.numHeads * config.headDim;
    const keyWidth = config.numKvHeads * config.headDim;
    const weight = (name: string) => parameters.slice("compute", name);
    const { layers, streamOut, finalNormed, finalRstd } = this.#activations;
    const list = new DispatchListBuilder(device, this.#sizes, this.shape.productRows);
    const norm = (x: Bound, name: string, y: Bound, rstd: Bound) =>
      list.call(normForward(device.profile, rows, hidden, config.rmsNormEps), x, weight(name), y, rstd);

    list.call(embeddingGather(rows, hidden), this.#tokens, weight("model.embed_tokens.weight"), layers[0]?.streamIn ?? streamOut);
    for (const [l, layer] of layers.entries()) {
      const name = (part: string) => `model.layers.${l}.${part}.weight`;
      norm(layer.streamIn, name("input_layernorm"), layer.attentionNormed, layer.attentionRstd);
      list.matmul("forward", "overwrite", [rows, queryWidth, hidden], layer.attentionNormed, weight(name("self_attn.q_proj")), layer.q);
      list.matmul("forward", "overwrite", [rows, keyWidth, hidden], layer.attentionNormed, weight(name("self_attn.k_proj")), layer.k);
      list.matmul("forward", "overwrite", [rows, keyWidth, hidden], layer.attentionNormed, weight(name("self_attn.v_proj")), layer.v);
      list.call(attentionRope(this.#attentionShape, false), this.#ropeTable, layer.q, layer.k);
      list.call(attentionForward(this.#attentionShape), layer.q, layer.k, layer.v, layer.attended, layer.lse);
      list.matmul(
        "forward",
        "residual",
        [rows, hidden, queryWidth],
        layer.attended,
        weight(name("self_attn.o_proj")),
        layer.streamMiddle,
        layer.streamIn,
      );
      norm(layer.streamMiddle, name("post_attention_layernorm"), layer.mlpNormed, layer.mlpRstd);
      list.matmul("forward", "overwrite", [rows, intermediate, hidden], layer.mlpNormed, weight(name("mlp.gate_proj")), layer.gate);
      list.matmul("forward", "overwrite", [rows, intermediate, hidden], layer.mlpNormed, weight(name("mlp.up_proj")), layer.up);
      list.call(swigluForward(rows * intermediate), layer.gate, layer.up, layer.mixed);
      const next = layers[l + 1]?.streamIn ?? streamOut;
      list.matmul(
        "forward",
        "residual",
        [rows, hidden, intermediate],
        layer.mixed,
        weight(name("mlp.down_proj")),
        next,
        layer.streamMiddle,
      );
    }
    norm(streamOut, "model.norm.weight", finalNormed, finalRstd);
    return list.build();
  }

  #buildLogits(parameters: ParameterSet, chunk: RowChunk): Promise<Dispatch[]> {
    const list = new DispatchListBuilder(this.device, this.#sizes, this.shape.productRows);
    this.#addLogits(list, parameters, chunk);
    return list.build();
  }

  /** Logits of one chunk of rows. */
  #addLogits(list: DispatchListBuilder, parameters: ParameterSet, chunk: RowChunk): void {
    const { hiddenSize, vocabSize } = this.config;
    const normed = rowSlice(this.#activations.finalNormed, chunk, hiddenSize);
    const head = parameters.slice("compute", this.#headName);
    list.matmul("forward", "overwrite", [chunk.rows, vocabSize, hiddenSize], normed, head, this.#logits);
  }

  /** The classifier, chunk by chunk: logits, loss and, to train, the gradients of the last hidden state and of the head. */
  #buildHead(parameters: ParameterSet, train: boolean): Promise<Dispatch[]> {
    const { hiddenSize, vocabSize } = this.config;
    const list = new DispatchListBuilder(this.device, this.#sizes, this.shape.productRows);
    for (const chunk of this.#chunks) {
      this.#addLogits(list, parameters, chunk);
      const targets = rowSlice(this.#targets, chunk, 1);
      const losses = rowSlice(this.#rowLosses, chunk, 1);
      list.call(crossEntropy(this.device.profile, chunk.rows, vocabSize, train), this.#scales, targets, this.#logits, losses);
      if (!train) continue;
      const { finalNormed, gradients } = this.#activations;
      const sizes = [chunk.rows, vocabSize, hiddenSize] as const;
      const head = parameters.slice("compute", this.#headName);
      list.matmul("inputGradient", "overwrite", sizes, this.#logits, head, rowSlice(gradients.normed, chunk, hiddenSize));
      const headGradient = parameters.slice("grad", this.#headName);
      list.matmul("weightGradient", "add", sizes, this.#logits, rowSlice(finalNormed, chunk, hiddenSize), headGradient);
    }
    list.call(lossSum(this.rows), this.#slot, this.#rowLosses, this.#lossSums);
    return list.build();
  }

  #buildBackward(parameters: ParameterSet): Promise<Dispatch[]> {
    const { config, rows, device } = this;
    const { hiddenSize: hidden, intermediateSize: intermediate } = config;
    const queryWidth = config.numHeads * config.headDim;
    const keyWidth = config.numKvHeads * config.headDim;
    const weight = (name: string) => parameters.slice("compute", name);
    const gradient = (name: string) => parameters.slice("grad", name);
    const { layers, streamOut, finalRstd, gradients: d } = this.#activations;
    const list = new DispatchListBuilder(device, this.#sizes, this.shape.productRows);
    // d.normed holds the gradient of the norm's output
    const norm = (x: Bound, name: string, rstd: Bound, accumulate: boolean) => {
      list.call(normWeightGradient(rows, hidden), d.normed, x, rstd, d.normPartials);
      list.call(normSumSlices(rows, hidden), d.normPartials, gradient(name));
      list.call(normBackward(device.profile, rows, hidden, accumulate), d.normed, x, weight(name), rstd, d.stream);
    };
    /** Backward of y = x W^T: dx and dW from dy, with W (n, k). */
    const linear = (name: string, n: number, k: number, dy: Bound, x: Bound, dx: Bound, store: "overwrite" | "add") => {
      list.matmul("inputGradient", store, [rows, n, k], dy, weight(name), dx);
      list.matmul("weightGradient", "add", [rows, n, k], dy, x, gradient(name));
    };

    norm(streamOut, "model.norm.weight", finalRstd, false);
    for (let l = layers.length - 1; l >= 0; l--) {
      const layer = layers[l];
      const name = (part: string) => `model.layers.${l}.${part}.weight`;
      linear(name("mlp.down_proj"), hidden, intermediate, d.stream, layer.mixed, d.mixed, "overwrite");
      list.call(swigluBackward(rows * intermediate), d.mixed, layer.gate, layer.up, d.gate, d.up);
      linear(name("mlp.gate_proj"), intermediate, hidden, d.gate, layer.mlpNormed, d.normed, "overwrite");
      linear(name("mlp.up_proj"), intermediate, hidden, d.up, layer.mlpNormed, d.normed, "add");
      norm(layer.streamMiddle, name("post_attention_layernorm"), layer.mlpRstd, true);
      linear(name("self_attn.o_proj"), hidden, queryWidth, d.stream, layer.attended, d.attended, "overwrite");
      const { q, k, v, attended, lse } = layer;
      list.call(attentionBackwardQueries(this.#attentionShape), q, k, v, attended, d.attended, lse, d.delta, d.q);
      list.call(attentionBackwardKeys(this.#attentionShape), q, k, v, d.attended, lse, d.delta, d.k, d.v);
      list.call(attentionRope(this.#attentionShape, true), this.#ropeTable, d.q, d.k);
      linear(name("self_attn.q_proj"), queryWidth, hidden, d.q, layer.attentionNormed, d.normed, "overwrite");
      linear(name("self_attn.k_proj"), keyWidth, hidden, d.k, layer.attentionNormed, d.normed, "add");
      linear(name("self_attn.v_proj"), keyWidth, hidden, d.v, layer.attentionNormed, d.normed, "add");
      norm(layer.streamIn, name("input_layernorm"), layer.attentionRstd, true);
    }
    list.call(embeddingScatterAdd(rows, hidden), this.#tokens, this.#occurrences, d.stream, gradient("model.embed_tokens.weight"));
    return list.build();
  }
}

/** Rows of a (M, columns) buffer, to bind. */
function rowSlice(buffer: GPUBuffer, { first, rows }: RowChunk, columns: number): GPUBufferBinding {
  return { buffer, offset: first * columns * 4, size: rows * columns * 4 };
}
