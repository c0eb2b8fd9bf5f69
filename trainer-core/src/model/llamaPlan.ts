/**
 * A Llama's forward and backward pass over one micro-batch as prebuilt lists of dispatches: nothing is allocated, compiled or
 * read back while they run. Reads the parameters' `compute` copy and accumulates into `grad`.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { embeddingGather, embeddingScatterAdd, tokenOccurrences } from "@starling/shaders/kernels/embedding";
import { crossEntropy, lossSum } from "@starling/shaders/kernels/loss";
import { termsLeft } from "@starling/shaders/kernels/optim";
import { NORM_SLICE_ROWS } from "@starling/shaders/kernels/norm";
import { F32_STORAGES, type KernelStorages } from "@starling/shaders/kernels/storage";
import type { Device, Dispatch } from "../device/device.ts";
import { allocateActivations, type Activations } from "./activations.ts";
import { DispatchListBuilder } from "./dispatchList.ts";
import {
  addAttentionBackward,
  addAttentionForward,
  addMlpBackward,
  addMlpForward,
  addMlpHidden,
  addNormBackward,
  addNormForward,
  layerWeight,
  type LayerScope,
} from "./layerPlan.ts";
import type { MatformerPart } from "./matformer.ts";
import type { ParameterSet } from "./parameterSet.ts";
import { EMBEDDING_NAME, LM_HEAD_NAME } from "./parameters.ts";
import { ropeTable } from "./rope.ts";
import { rowsOf, shardsOf } from "./tensor.ts";

export interface MicroBatchShape {
  microBatchSequences: number;
  sequenceTokens: number;
  /** Logits are made in row chunks of at most this (64 rows at least), so that a large vocabulary does not decide the memory needed. */
  logitsChunkBytes?: number;
  /** Most rows of a matrix product in one dispatch, a multiple of 64: on a slow adapter that is shared none may take long. Left out: all. */
  productRows?: number;
  /** Layers keep their input alone, and backward computes the rest again: a third more work, a fraction of the memory, equal gradients. */
  recomputation?: boolean;
  /** Largest side of a DisTrO tile, which no shard of a matrix cuts; left out: as large as tiles may be. */
  tileChunk?: number;
  /** Of activations and of the compute copy that the trainer makes; left out: f32. */
  storages?: KernelStorages;
  /** What of the model a trainer trains, and whether it holds the rest; left out: all. */
  matformer?: MatformerPart;
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
  /** a slot for each micro-batch, and one more that a step may have read back with them */
  readonly lossSums: GPUBuffer;
  readonly #activations: Activations;
  readonly #tokens: GPUBuffer;
  readonly #targets: GPUBuffer;
  readonly #occurrences: GPUBuffer;
  readonly #logits: GPUBuffer;
  readonly #rowLosses: GPUBuffer;
  readonly #foldedLosses: GPUBuffer;
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
  readonly #hostLossSums = new Float32Array(MAX_MICRO_BATCHES + 1);
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
    const limit = Math.min(shape.logitsChunkBytes ?? DEFAULT_LOGITS_CHUNK_BYTES, device.bindingLimitBytes);
    const wanted = Math.floor(limit / rowBytes / CHUNK_ALIGN_ROWS) * CHUNK_ALIGN_ROWS;
    const chunkRows = Math.min(rows, shape.productRows ?? rows, Math.max(CHUNK_ALIGN_ROWS, wanted));
    for (let first = 0; first < rows; first += chunkRows) this.#chunks.push({ first, rows: Math.min(chunkRows, rows - first) });
    this.#activations = allocateActivations(
      device,
      config,
      rows,
      Math.ceil(rows / NORM_SLICE_ROWS),
      shape.recomputation,
      shape.storages?.activations,
    );
    this.#tokens = device.buffer("tokens", rows * 4);
    this.#targets = device.buffer("targets", rows * 4);
    this.#occurrences = device.buffer("occurrences", (2 * rows + 1) * 4);
    this.#logits = device.buffer("logits", chunkRows * rowBytes);
    this.#rowLosses = device.buffer("row losses", rows * 4);
    this.#foldedLosses = device.buffer("row losses, folded", termsLeft(rows) * 4);
    this.lossSums = device.buffer("loss sums", (MAX_MICRO_BATCHES + 1) * 4);
    this.#scales = device.uniform("loss scale", 16);
    this.#slot = device.uniform("loss slot", 16);
    this.#ropeTable = device.bufferOf("rope table", ropeTable(config, shape.sequenceTokens));
    this.#hostTargets = new Int32Array(rows);
    this.#hostOccurrences = new Uint32Array(2 * rows + 1);
    this.#hostCounts = new Uint32Array(config.vocabSize);
  }

  /**
   * Allocates, compiles every pipeline and builds the lists. `config` may be a narrower tier of the model whose `parameters` these
   * are (matformer.ts): it then reads, and adds gradients to, the first part of their feed-forward tensors alone. Errors: DeviceError
   * (wgsl, too-large).
   */
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

  /** Sums of losses of slots 0 to count - 1, until the next call; the step's one wait. */
  readLossSums(count: number): Promise<Float32Array<ArrayBuffer>> {
    return this.device.readInto(this.lossSums, count * 4, 0, this.#takeLossSums);
  }

  readonly #takeLossSums = (mapped: ArrayBuffer): Float32Array<ArrayBuffer> => {
    const view = new DataView(mapped);
    for (let n = 0; n < mapped.byteLength / 4; n++) this.#hostLossSums[n] = view.getFloat32(4 * n, true);
    return this.#hostLossSums;
  };

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
    const own = [this.#tokens, this.#targets, this.#occurrences, this.#logits, this.#rowLosses, this.#foldedLosses, this.lossSums];
    for (const b of [...this.#activations.all, ...own, this.#scales, this.#slot, this.#ropeTable, ...this.#sizes.values()]) b.destroy();
  }

  get #headName(): string {
    return this.config.tieWordEmbeddings ? EMBEDDING_NAME : LM_HEAD_NAME;
  }

  /** What every list of this plan needs of the model; `list` collects its dispatches. */
  #scope(list: DispatchListBuilder, parameters: ParameterSet): LayerScope {
    return {
      list,
      profile: this.device.profile,
      config: this.config,
      rows: this.rows,
      attention: {
        batch: this.shape.microBatchSequences,
        sequence: this.shape.sequenceTokens,
        queryHeads: this.config.numHeads,
        keyHeads: this.config.numKvHeads,
        headDim: this.config.headDim,
      },
      ropeTable: this.#ropeTable,
      storages: this.shape.storages ?? F32_STORAGES,
      subgroups: this.device.features.subgroups,
      downPitch: parameters.parameter(layerWeight(0, "mlp.down_proj")).shape[1],
      weight: (name) => parameters.slice("compute", name),
      gradient: (name) => parameters.slice("grad", name),
    };
  }

  #newList(): DispatchListBuilder {
    return new DispatchListBuilder(this.device, this.#sizes, this.shape.productRows);
  }

  #buildForward(parameters: ParameterSet): Promise<Dispatch[]> {
    const { layers, streamOut, finalNormed, finalRstd } = this.#activations;
    const list = this.#newList();
    const scope = this.#scope(list, parameters);
    const table = scope.weight(EMBEDDING_NAME);
    for (const shard of shardsOf(table) ?? [null]) {
      const call = embeddingGather(this.rows, this.config.hiddenSize, scope.storages, shard);
      list.call(call, this.#tokens, shard ?? table, layers[0]?.streamIn ?? streamOut);
    }
    for (const [l, layer] of layers.entries()) {
      addAttentionForward(scope, l, layer);
      addMlpForward(scope, l, layer, layers[l + 1]?.streamIn ?? streamOut);
    }
    addNormForward(scope, "model.norm.weight", streamOut, finalNormed, finalRstd);
    return list.build();
  }

  #buildLogits(parameters: ParameterSet, chunk: RowChunk): Promise<Dispatch[]> {
    const list = this.#newList();
    this.#addLogits(list, parameters, chunk);
    return list.build();
  }

  /** Logits of one chunk of rows. */
  #addLogits(list: DispatchListBuilder, parameters: ParameterSet, chunk: RowChunk): void {
    const { hiddenSize, vocabSize } = this.config;
    const normed = rowsOf(this.#activations.finalNormed, chunk.first, chunk.rows, hiddenSize);
    const head = parameters.slice("compute", this.#headName);
    list.matmul("forward", "overwrite", [chunk.rows, vocabSize, hiddenSize], normed, head, this.#logits);
  }

  /** The classifier, chunk by chunk: logits, loss and, to train, the gradients of the last hidden state and of the head. */
  #buildHead(parameters: ParameterSet, train: boolean): Promise<Dispatch[]> {
    const { hiddenSize, vocabSize } = this.config;
    const list = this.#newList();
    for (const chunk of this.#chunks) {
      this.#addLogits(list, parameters, chunk);
      const targets = rowsOf(this.#targets, chunk.first, chunk.rows, 1);
      const losses = rowsOf(this.#rowLosses, chunk.first, chunk.rows, 1);
      const { profile, features } = this.device;
      list.call(crossEntropy(profile, chunk.rows, vocabSize, train, features.subgroups), this.#scales, targets, this.#logits, losses);
      if (!train) continue;
      const { finalNormed, gradients } = this.#activations;
      const sizes = [chunk.rows, vocabSize, hiddenSize] as const;
      const head = parameters.slice("compute", this.#headName);
      list.matmul("inputGradient", "overwrite", sizes, this.#logits, head, rowsOf(gradients.normed, chunk.first, chunk.rows, hiddenSize));
      const headGradient = parameters.slice("grad", this.#headName);
      list.matmul("weightGradient", "add", sizes, this.#logits, rowsOf(finalNormed, chunk.first, chunk.rows, hiddenSize), headGradient);
    }
    const few = list.fewTerms(this.#rowLosses, this.rows, this.#foldedLosses);
    list.call(lossSum(termsLeft(this.rows)), this.#slot, few, this.lossSums);
    return list.build();
  }

  #buildBackward(parameters: ParameterSet): Promise<Dispatch[]> {
    const { layers, streamOut, finalRstd, gradients } = this.#activations;
    const list = this.#newList();
    const scope = this.#scope(list, parameters);
    addNormBackward(scope, gradients, "model.norm.weight", streamOut, finalRstd, false);
    for (let l = layers.length - 1; l >= 0; l--) {
      const layer = layers[l];
      // what the layers share still holds the last one's
      if (this.shape.recomputation && l < layers.length - 1) {
        addAttentionForward(scope, l, layer);
        addMlpHidden(scope, l, layer);
      }
      addMlpBackward(scope, l, layer, gradients);
      addNormBackward(scope, gradients, layerWeight(l, "post_attention_layernorm"), layer.streamMiddle, layer.mlpRstd, true);
      addAttentionBackward(scope, l, layer, gradients);
      addNormBackward(scope, gradients, layerWeight(l, "input_layernorm"), layer.streamIn, layer.attentionRstd, true);
    }
    const table = scope.gradient(EMBEDDING_NAME);
    for (const shard of shardsOf(table) ?? [null]) {
      const call = embeddingScatterAdd(this.rows, this.config.hiddenSize, shard);
      list.call(call, this.#tokens, this.#occurrences, gradients.stream, shard ?? table);
    }
    return list.build();
  }
}
