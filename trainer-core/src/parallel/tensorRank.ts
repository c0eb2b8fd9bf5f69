/**
 * One device of a tensor-parallel group: its share of a Llama's forward and backward pass as stages of prebuilt dispatches. Between two
 * stages the devices exchange what each has, and every one adds it up in the same order: two such sums a layer each way.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { embeddingScatterAdd } from "@starling/shaders/kernels/embedding";
import { lossSum } from "@starling/shaders/kernels/loss";
import { termsLeft } from "@starling/shaders/kernels/optim";
import { NORM_SLICE_ROWS } from "@starling/shaders/kernels/norm";
import * as parallel from "@starling/shaders/kernels/parallel";
import { F32_STORAGES } from "@starling/shaders/kernels/storage";
import type { Device, Dispatch } from "../device/device.ts";
import { allocateActivations, type Activations } from "../model/activations.ts";
import { DispatchListBuilder } from "../model/dispatchList.ts";
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
} from "../model/layerPlan.ts";
import { MAX_MICRO_BATCHES, type MicroBatchShape } from "../model/llamaPlan.ts";
import type { ParameterSet } from "../model/parameterSet.ts";
import { EMBEDDING_NAME, LM_HEAD_NAME } from "../model/parameters.ts";
import { ropeTable } from "../model/rope.ts";
import { rowsOf, type Bound, type Tensor } from "../model/tensor.ts";
import { rangeOf, shardConfig, type Shard } from "./shards.ts";

/** What follows a stage: every device's `shares` or, of so many rows, `parts` go to all others. */
export type Exchange = { kind: "shares" } | { kind: "parts"; rows: number } | null;

export interface Stage {
  list: readonly Dispatch[];
  /** what follows the list */
  exchange: Exchange;
}

/** Forward with the loss (`evaluate`), and with backward (`train`). */
export type Passes = Readonly<Record<"evaluate" | "train", readonly Stage[]>>;

/** Logits are made in row chunks of at most this; rows in multiples of 64, so that slices begin at multiples of 256 bytes. */
const LOGITS_CHUNK_BYTES = 64 * 2 ** 20;
const CHUNK_ALIGN_ROWS = 64;

export class TensorRank {
  readonly device: Device;
  readonly index: number;
  /** (rows, hidden) f32 of each device; this one's own is the `index`th */
  readonly shares: readonly GPUBuffer[];
  /** (devices, 3, rows of a chunk) f32: parallel/softmaxShardSoftware.wgsl */
  readonly parts: GPUBuffer;
  readonly shareBytes: number;
  readonly #whole: LlamaConfig;
  /** as this device has it */
  readonly #own: LlamaConfig;
  readonly #parameters: ParameterSet;
  readonly #shape: MicroBatchShape;
  readonly #shard: Shard;
  readonly #rows: number;
  readonly #vocabulary: parallel.VocabularyShard;
  readonly #activations: Activations;
  readonly #chunkRows: number;
  readonly #tokens: GPUBuffer;
  readonly #targets: GPUBuffer;
  readonly #occurrences: GPUBuffer;
  readonly #logits: GPUBuffer;
  readonly #lse: GPUBuffer;
  readonly #rowLosses: GPUBuffer;
  readonly #foldedLosses: GPUBuffer;
  readonly #lossSums: GPUBuffer;
  readonly #scales: GPUBuffer;
  readonly #slot: GPUBuffer;
  readonly #ropeTable: GPUBuffer;
  readonly #sizes = new Map<string, GPUBuffer>();
  readonly #hostTokens: Int32Array<ArrayBuffer>;
  readonly #hostTargets: Int32Array<ArrayBuffer>;
  readonly #hostOccurrences: Uint32Array<ArrayBuffer>;
  readonly #hostCounts: Uint32Array<ArrayBuffer>;
  readonly #hostScales = new Float32Array(4);
  readonly #hostSlot = new Uint32Array(4);

  /** `parameters`: this shard's tensors, on this device. `config`: the whole model's. Errors: DeviceError too-large. */
  constructor(parameters: ParameterSet, config: LlamaConfig, shape: MicroBatchShape, shard: Shard) {
    const { device } = parameters;
    const rows = shape.microBatchSequences * shape.sequenceTokens;
    const own = shardConfig(config, shard);
    const [first] = rangeOf(config.vocabSize, shard);
    this.device = device;
    this.index = shard.index;
    this.#whole = config;
    this.#own = own;
    this.#parameters = parameters;
    this.#shape = shape;
    this.#shard = shard;
    this.#rows = rows;
    this.#vocabulary = { first, columns: own.vocabSize, index: shard.index, count: shard.count };
    // every device must cut alike, so the whole vocabulary's width decides
    const rowBytes = config.vocabSize * 4;
    const fitting = Math.floor((shape.logitsChunkBytes ?? LOGITS_CHUNK_BYTES) / rowBytes / CHUNK_ALIGN_ROWS) * CHUNK_ALIGN_ROWS;
    this.#chunkRows = Math.min(rows, shape.productRows ?? rows, Math.max(CHUNK_ALIGN_ROWS, fitting));
    this.#activations = allocateActivations(device, own, rows, Math.ceil(rows / NORM_SLICE_ROWS), shape.recomputation);
    this.shareBytes = rows * config.hiddenSize * 4;
    this.shares = Array.from({ length: shard.count }, (_, d) => device.buffer(`share of device ${d}`, this.shareBytes));
    this.parts = device.buffer("softmax parts", shard.count * 3 * this.#chunkRows * 4);
    this.#tokens = device.buffer("tokens", rows * 4);
    this.#targets = device.buffer("targets", rows * 4);
    this.#occurrences = device.buffer("occurrences", (2 * rows + 1) * 4);
    this.#logits = device.buffer("logits", this.#chunkRows * own.vocabSize * 4);
    this.#lse = device.buffer("lse", this.#chunkRows * 4);
    this.#rowLosses = device.buffer("row losses", rows * 4);
    this.#foldedLosses = device.buffer("row losses, folded", termsLeft(rows) * 4);
    this.#lossSums = device.buffer("loss sums", MAX_MICRO_BATCHES * 4);
    this.#scales = device.uniform("loss scale", 16);
    this.#slot = device.uniform("loss slot", 16);
    this.#ropeTable = device.bufferOf("rope table", ropeTable(config, shape.sequenceTokens));
    this.#hostTokens = new Int32Array(rows);
    this.#hostTargets = new Int32Array(rows);
    this.#hostOccurrences = new Uint32Array(2 * rows + 1);
    this.#hostCounts = new Uint32Array(own.vocabSize);
  }

  /** Compiles every pipeline. All devices of a group have the same stages. Errors: DeviceError wgsl. */
  async build(): Promise<Passes> {
    const [forward, evaluate, train, backward] = await Promise.all([
      this.#forward(),
      this.#head(false),
      this.#head(true),
      this.#backward(),
    ]);
    return { evaluate: [...forward, ...evaluate], train: [...forward, ...train, ...backward] };
  }

  /** As LlamaPlan.upload: tokens and labels of the whole vocabulary. */
  upload(tokens: Int32Array, labels: Int32Array, gradientScale: number, slot: number): void {
    const { sequenceTokens } = this.#shape;
    const { first, columns } = this.#vocabulary;
    for (let m = 0; m < this.#rows; m++) {
      const own = tokens[m] - first;
      this.#hostTokens[m] = own >= 0 && own < columns ? own : -1;
      this.#hostTargets[m] = (m + 1) % sequenceTokens === 0 ? -100 : labels[m + 1];
    }
    parallel.shardOccurrences(this.#hostTokens, this.#hostCounts, this.#hostOccurrences);
    this.#hostScales[0] = gradientScale;
    this.#hostSlot[0] = slot;
    this.device.write(this.#tokens, this.#hostTokens);
    this.device.write(this.#targets, this.#hostTargets);
    this.device.write(this.#occurrences, this.#hostOccurrences);
    this.device.write(this.#scales, this.#hostScales);
    this.device.write(this.#slot, this.#hostSlot);
  }

  /** Sums of losses of slots 0 to count - 1: every device of the group has the same. */
  async readLossSums(count: number): Promise<Float32Array> {
    return new Float32Array(await this.device.read(this.#lossSums, count * 4));
  }

  dispose(): void {
    const own = [
      this.parts,
      this.#tokens,
      this.#targets,
      this.#occurrences,
      this.#logits,
      this.#lse,
      this.#rowLosses,
      this.#foldedLosses,
      this.#lossSums,
    ];
    const small = [this.#scales, this.#slot, this.#ropeTable, ...this.#sizes.values()];
    for (const b of [...this.#activations.all, ...this.shares, ...own, ...small]) b.destroy();
  }

  get #ownShare(): GPUBuffer {
    return this.shares[this.#shard.index];
  }

  #stages(): StageBuilder {
    const list = () => new DispatchListBuilder(this.device, this.#sizes, this.#shape.productRows);
    const scope = {
      profile: this.device.profile,
      config: this.#own,
      rows: this.#rows,
      attention: {
        batch: this.#shape.microBatchSequences,
        sequence: this.#shape.sequenceTokens,
        queryHeads: this.#own.numHeads,
        keyHeads: this.#own.numKvHeads,
        headDim: this.#own.headDim,
      },
      ropeTable: this.#ropeTable,
      storages: F32_STORAGES,
      subgroups: this.device.features.subgroups,
      weight: (name: string) => this.#parameters.slice("compute", name),
      gradient: (name: string) => this.#parameters.slice("grad", name),
    };
    return new StageBuilder(list, scope);
  }

  /** y = residual + all shares, in the order of the devices. */
  #addShares({ list }: LayerScope, residual: Bound | null, y: Bound): void {
    const count = this.#rows * this.#whole.hiddenSize;
    const [first, second, ...rest] = residual === null ? this.shares : [residual, ...this.shares];
    list.call(parallel.sum(count), first, second, y);
    for (const term of rest) list.call(parallel.accumulate(count), term, y);
  }

  #forward(): Promise<Stage[]> {
    const { layers, streamOut, finalNormed, finalRstd } = this.#activations;
    const stages = this.#stages();
    const share = this.#ownShare;
    const { scope } = stages;
    scope.list.call(parallel.gatherShard(this.#rows, this.#whole.hiddenSize), this.#tokens, scope.weight(EMBEDDING_NAME), share);
    stages.end({ kind: "shares" });
    this.#addShares(stages.scope, null, layers[0]?.streamIn ?? streamOut);
    for (const [l, layer] of layers.entries()) {
      addAttentionForward(stages.scope, l, { ...layer, streamMiddle: share }, false);
      stages.end({ kind: "shares" });
      this.#addShares(stages.scope, layer.streamIn, layer.streamMiddle);
      addMlpForward(stages.scope, l, layer, share, false);
      stages.end({ kind: "shares" });
      this.#addShares(stages.scope, layer.streamMiddle, layers[l + 1]?.streamIn ?? streamOut);
    }
    addNormForward(stages.scope, "model.norm.weight", streamOut, finalNormed, finalRstd);
    return stages.build();
  }

  /** The classifier over this device's columns of the vocabulary, in chunks of rows; to train, its gradients too. */
  #head(train: boolean): Promise<Stage[]> {
    const { hiddenSize, tieWordEmbeddings } = this.#whole;
    const { columns } = this.#vocabulary;
    const stages = this.#stages();
    const name = tieWordEmbeddings ? EMBEDDING_NAME : LM_HEAD_NAME;
    for (let first = 0; first < this.#rows; first += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, this.#rows - first);
      const sizes = [rows, columns, hiddenSize] as const;
      const normed = rowsOf(this.#activations.finalNormed, first, rows, hiddenSize);
      const targets = rowsOf(this.#targets, first, rows, 1);
      {
        const { list, profile, weight } = stages.scope;
        list.matmul("forward", "overwrite", sizes, normed, weight(name), this.#logits);
        list.call(parallel.softmaxShard(profile, rows, this.#vocabulary), targets, this.#logits, this.parts);
      }
      stages.end({ kind: "parts", rows });
      const { list, weight, gradient } = stages.scope;
      list.call(parallel.lossOfShards(rows, this.#shard.count), targets, this.parts, this.#lse, rowsOf(this.#rowLosses, first, rows, 1));
      if (!train) continue;
      list.call(parallel.logitGradient(rows, this.#vocabulary), this.#scales, targets, this.#lse, this.#logits);
      list.matmul("inputGradient", "overwrite", sizes, this.#logits, weight(name), rowsOf(this.#ownShare, first, rows, hiddenSize));
      list.matmul("weightGradient", "add", sizes, this.#logits, normed, gradient(name));
    }
    const { list } = stages.scope;
    const few = list.fewTerms(this.#rowLosses, this.#rows, this.#foldedLosses);
    list.call(lossSum(termsLeft(this.#rows)), this.#slot, few, this.#lossSums);
    return stages.build(train ? { kind: "shares" } : null);
  }

  #backward(): Promise<Stage[]> {
    const { layers, streamOut, finalRstd, gradients: d } = this.#activations;
    const stages = this.#stages();
    const normed: Tensor = { buffer: this.#ownShare, storage: "f32" };
    const toShare = { ...d, normed };
    this.#addShares(stages.scope, null, d.normed);
    addNormBackward(stages.scope, d, "model.norm.weight", streamOut, finalRstd, false);
    for (let l = layers.length - 1; l >= 0; l--) {
      const layer = layers[l];
      // what the layers share still holds the last one's
      if (this.#shape.recomputation && l < layers.length - 1) {
        addAttentionForward(stages.scope, l, { ...layer, streamMiddle: this.#ownShare }, false);
        stages.end({ kind: "shares" });
        this.#addShares(stages.scope, layer.streamIn, layer.streamMiddle);
        addMlpHidden(stages.scope, l, layer);
      }
      addMlpBackward(stages.scope, l, layer, toShare);
      stages.end({ kind: "shares" });
      this.#addShares(stages.scope, null, d.normed);
      addNormBackward(stages.scope, d, layerWeight(l, "post_attention_layernorm"), layer.streamMiddle, layer.mlpRstd, true);
      addAttentionBackward(stages.scope, l, layer, toShare);
      stages.end({ kind: "shares" });
      this.#addShares(stages.scope, null, d.normed);
      addNormBackward(stages.scope, d, layerWeight(l, "input_layernorm"), layer.streamIn, layer.attentionRstd, true);
    }
    const { list, gradient } = stages.scope;
    const scatter = embeddingScatterAdd(this.#rows, this.#whole.hiddenSize);
    list.call(scatter, this.#tokens, this.#occurrences, d.stream, gradient(EMBEDDING_NAME));
    return stages.build();
  }
}

/** Collects dispatches of one stage after the other; `scope` is always the one under way. */
class StageBuilder {
  readonly #newList: () => DispatchListBuilder;
  readonly #base: Omit<LayerScope, "list">;
  readonly #ended: Promise<Stage>[] = [];
  scope: LayerScope;

  constructor(newList: () => DispatchListBuilder, base: Omit<LayerScope, "list">) {
    this.#newList = newList;
    this.#base = base;
    this.scope = { ...base, list: newList() };
  }

  end(exchange: Exchange): void {
    this.#ended.push(this.scope.list.build().then((list) => ({ list, exchange })));
    this.scope = { ...this.#base, list: this.#newList() };
  }

  async build(exchange: Exchange = null): Promise<Stage[]> {
    this.end(exchange);
    return Promise.all(this.#ended);
  }
}
