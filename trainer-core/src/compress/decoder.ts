/**
 * Applies a round: master -= lr * sign(IDCT(mean of what the peers sent)), in integers, with the same bits on every adapter
 * (definition: shaders/src/reference/compress/integerDecode.ts).
 */
import { linearGrid, type KernelSpec } from "@starling/shaders";
import { columnBasisTable, rowBasisTable } from "@starling/shaders/kernels/compress/basisTables";
import { columnStep, mergeSent, rowPass, THREADS_PER_TILE, tileWorkgroupSize } from "@starling/shaders/kernels/compress/index";
import type { Dispatch } from "../device/device.ts";
import type { RoundRule } from "./tiers.ts";
import type { TileBatch, TilePlan } from "./tilePlan.ts";
import type { SentResult } from "./wire.ts";

/** The overflow proofs and the 64-bit sums hold up to here. */
export const MAX_PEERS = 256;
const WORKGROUP = 64;
/** `struct Decode`, padded to a multiple of 16 bytes */
const DECODE_WORDS = 8;

/** Scratch that is sized by the number of peers. */
interface PeerBuffers {
  peers: number;
  sentIndex: GPUBuffer;
  sentValue: GPUBuffer;
  cursor: GPUBuffer;
  coef: GPUBuffer;
}

/** The three kernels, replaceable so that tests can prove they would notice a wrong one. */
export interface DecodeKernels {
  mergeSent: KernelSpec;
  rowPass: KernelSpec;
  columnStep: KernelSpec;
}

interface FixedBuffers {
  decode: GPUBuffer;
  slot: GPUBuffer;
  head: GPUBuffer;
  rowSums: GPUBuffer;
  basis30: GPUBuffer;
  basis18: GPUBuffer;
}

/** Lists of a batch start at a multiple of the sent or of the dense offset: the smaller bound on their length. */
const startsBySent = (batch: TileBatch, peers: number) => peers * batch.sentCount <= batch.denseCount;

export class Decoder {
  readonly #plan: TilePlan;
  readonly #master: readonly GPUBuffer[];
  readonly #kernels: DecodeKernels;
  /** what tests compare with the twin: (tileCount) heads, (tileCount, 64) slots, Y, of the last batch */
  readonly buffers: Readonly<FixedBuffers>;
  readonly #hostWords = new Uint32Array(DECODE_WORDS);
  readonly #hostFloats = new Float32Array(this.#hostWords.buffer);
  #forPeers: PeerBuffers | null = null;
  /** by pool, by batch: mergeSent, rowPass, columnStep */
  #dispatches: readonly (readonly (readonly Dispatch[])[])[] = [];

  private constructor(plan: TilePlan, master: readonly GPUBuffer[], kernels: DecodeKernels, buffers: FixedBuffers) {
    this.#plan = plan;
    this.#master = master;
    this.#kernels = kernels;
    this.buffers = buffers;
  }

  /** Compiles everything. `master`: one buffer a pool of the plan. */
  static async create(
    plan: TilePlan,
    master: readonly GPUBuffer[],
    kernels: DecodeKernels = { mergeSent, rowPass, columnStep },
  ): Promise<Decoder> {
    const { device, batches } = plan;
    const tiles = Math.max(...batches.map((b) => b.tileCount));
    const decoder = new Decoder(plan, master, kernels, {
      decode: device.uniform("decode", DECODE_WORDS * 4),
      slot: device.buffer("decode slots", tiles * 64 * 4),
      head: device.buffer("decode heads", tiles * 16),
      rowSums: device.buffer("decode row sums", 4 * Math.max(...batches.map((b) => b.denseCount))),
      basis30: device.bufferOf("row basis", rowBasisTable(plan.sides)),
      basis18: device.bufferOf("column basis", columnBasisTable(plan.sides)),
    });
    await decoder.reserve(1);
    return decoder;
  }

  /** Rounds of up to `peers` results then allocate nothing. More peers need larger buffers and new bind groups, never another pipeline. */
  async reserve(peers: number): Promise<void> {
    if (this.#forPeers && this.#forPeers.peers >= peers) return;
    this.#releasePeerBuffers();
    const { device, batches } = this.#plan;
    const sentBytes = 4 * peers * Math.max(...batches.map((b) => b.sentCount));
    // fewer peers than reserved can choose the other bound, never one beyond both
    const coefficients = Math.max(...batches.map((b) => Math.min(peers * b.sentCount, b.denseCount)));
    const fresh: PeerBuffers = {
      peers,
      sentIndex: device.buffer("peers' positions", sentBytes),
      sentValue: device.buffer("peers' values", sentBytes),
      cursor: device.buffer("merge cursors", 4 * peers * Math.max(...batches.map((b) => b.tileCount))),
      coef: device.buffer("merged coefficients", 16 * coefficients),
    };
    const { decode, slot, head, rowSums, basis30, basis18 } = this.buffers;
    const pools = [];
    for (const [i, { tiles, batches: own }] of this.#plan.pools.entries()) {
      const lists = [];
      for (const batch of own) {
        const make = (spec: KernelSpec, threads: number, buffers: GPUBuffer[]) => {
          const size = threads === 1 ? tileWorkgroupSize(device.profile) : WORKGROUP;
          return device.dispatch(
            spec,
            { WORKGROUP_SIZE: size },
            [batch.uniform, tiles, decode, ...buffers],
            linearGrid(batch.tileCount * threads, size),
          );
        };
        lists.push([
          await make(this.#kernels.mergeSent, THREADS_PER_TILE.mergeSent, [
            fresh.sentIndex,
            fresh.sentValue,
            fresh.cursor,
            fresh.coef,
            slot,
            head,
          ]),
          await make(this.#kernels.rowPass, THREADS_PER_TILE.rowPass, [fresh.coef, slot, head, basis30, rowSums]),
          await make(this.#kernels.columnStep, THREADS_PER_TILE.columnStep, [rowSums, slot, head, basis18, this.#master[i]]),
        ]);
      }
      pools.push(lists);
    }
    this.#forPeers = fresh;
    this.#dispatches = pools;
  }

  /**
   * Queued. `results`, at most MAX_PEERS, must have passed decodeResult, and have this plan's tiles (`placeResult`). `rule`: whether a
   * coefficient counts as the mean over those who sent it, or as their sum.
   */
  async apply(
    results: readonly SentResult[],
    { oneBit, learningRate, rule = "mean" }: { oneBit: boolean; learningRate: number; rule?: RoundRule },
  ): Promise<void> {
    const peers = results.length;
    if (peers === 0) return;
    await this.reserve(peers);
    const { device } = this.#plan;
    const { sentIndex, sentValue } = this.#forPeers!;
    const words = this.#hostWords;
    const floats = this.#hostFloats;
    for (const [i, { sentStart, batches }] of this.#plan.pools.entries()) {
      for (const [b, batch] of batches.entries()) {
        words.set([peers, oneBit ? 1 : 0, startsBySent(batch, peers) ? 1 : 0]);
        floats[3] = learningRate;
        words[4] = rule === "sum" ? 1 : 0;
        device.write(this.buffers.decode, words);
        const first = sentStart + batch.sentBase;
        results.forEach((result, p) => {
          const offsetBytes = 4 * p * batch.sentCount;
          device.write(sentIndex, result.index.subarray(first, first + batch.sentCount), offsetBytes);
          device.write(sentValue, result.valueBits.subarray(first, first + batch.sentCount), offsetBytes);
        });
        device.run(this.#dispatches[i][b]);
      }
    }
  }

  #releasePeerBuffers(): void {
    if (!this.#forPeers) return;
    const { sentIndex, sentValue, cursor, coef } = this.#forPeers;
    for (const b of [sentIndex, sentValue, cursor, coef]) b.destroy();
    this.#forPeers = null;
  }

  dispose(): void {
    this.#releasePeerBuffers();
    for (const b of Object.values(this.buffers)) b.destroy();
  }
}
