/**
 * Top-k DCT coefficients of the residual, and taking what was sent out of it again. Both stay on the device: `sent` is kept
 * unquantised for the subtraction, and read back once for the wire.
 */
import { linearGrid, type KernelConstants, type KernelSpec } from "@starling/shaders";
import { forwardBasisTable, inverseBasisTable } from "@starling/shaders/kernels/compress/basisTables";
import { dctRows, segmentMaxima, subtractSent, THREADS_PER_TILE, tileWorkgroupSize, topK } from "@starling/shaders/kernels/compress/index";
import type { Dispatch } from "../device/device.ts";
import type { TilePlan } from "./tilePlan.ts";
import type { SentResult } from "./wire.ts";

const WORKGROUP = 64;

export class Encoder {
  readonly #plan: TilePlan;
  readonly #owned: readonly GPUBuffer[];
  readonly #sentIndex: readonly GPUBuffer[];
  readonly #sentValue: readonly GPUBuffer[];
  readonly #encode: readonly Dispatch[];
  readonly #subtract: readonly Dispatch[];
  /** what `sent` reads into */
  readonly #host: SentResult;

  private constructor(
    plan: TilePlan,
    buffers: { owned: readonly GPUBuffer[]; sentIndex: readonly GPUBuffer[]; sentValue: readonly GPUBuffer[] },
    dispatches: { encode: readonly Dispatch[]; subtract: readonly Dispatch[] },
  ) {
    this.#plan = plan;
    this.#owned = buffers.owned;
    this.#sentIndex = buffers.sentIndex;
    this.#sentValue = buffers.sentValue;
    this.#encode = dispatches.encode;
    this.#subtract = dispatches.subtract;
    const entries = plan.pools.reduce((sum, p) => sum + p.sentCount, 0);
    this.#host = { index: new Uint32Array(entries), valueBits: new Uint32Array(entries) };
  }

  /** Encodes `residualPools`, one buffer a pool of the plan. */
  static async create(plan: TilePlan, residualPools: readonly GPUBuffer[]): Promise<Encoder> {
    const { device } = plan;
    const denseBytes = 4 * Math.max(...plan.batches.map((b) => b.denseCount));
    const basis = device.bufferOf("DCT basis", forwardBasisTable(plan.sides));
    const inverseBasis = device.bufferOf("inverse DCT basis", inverseBasisTable(plan.sides));
    const rows = device.buffer("DCT rows", denseBytes);
    const coefficients = device.buffer("DCT coefficients", denseBytes);
    const maxima = device.buffer("segment maxima", 64 * 8 * Math.max(...plan.batches.map((b) => b.tileCount)));
    const sentIndex = plan.pools.map((p) => device.buffer(`sent positions ${p.pool}`, p.sentCount * 4));
    const sentValue = plan.pools.map((p) => device.buffer(`sent values ${p.pool}`, p.sentCount * 4));
    const encode: Dispatch[] = [];
    const subtract: Dispatch[] = [];
    for (const [i, { tiles, batches }] of plan.pools.entries()) {
      for (const batch of batches) {
        const make = (spec: KernelSpec, threads: number, buffers: GPUBuffer[], constants: KernelConstants = {}) => {
          const size = threads === 1 ? tileWorkgroupSize(device.profile) : WORKGROUP;
          const grid = linearGrid(batch.tileCount * threads, size);
          return device.dispatch(spec, { WORKGROUP_SIZE: size, ...constants }, [batch.uniform, tiles, ...buffers], grid);
        };
        encode.push(
          await make(dctRows, THREADS_PER_TILE.dctRows, [basis, residualPools[i], rows], { PASS: 0 }),
          await make(dctRows, THREADS_PER_TILE.dctRows, [basis, rows, coefficients], { PASS: 1 }),
          await make(segmentMaxima, THREADS_PER_TILE.segmentMaxima, [coefficients, maxima]),
          await make(topK, THREADS_PER_TILE.topK, [coefficients, maxima, sentIndex[i], sentValue[i]]),
        );
        subtract.push(
          await make(subtractSent, THREADS_PER_TILE.subtractSent, [inverseBasis, sentIndex[i], sentValue[i], residualPools[i]]),
        );
      }
    }
    const owned = [basis, inverseBasis, rows, coefficients, maxima, ...sentIndex, ...sentValue];
    return new Encoder(plan, { owned, sentIndex, sentValue }, { encode, subtract });
  }

  /** Queued: what is to be sent of the residual, kept until the next call. */
  encode(): void {
    this.#plan.device.run(this.#encode);
  }

  /** Queued: residual -= IDCT(what the last encode() chose), unquantised. */
  subtractSent(): void {
    this.#plan.device.run(this.#subtract);
  }

  /** What the last encode() chose, in arrays that the next call fills again. */
  async sent(): Promise<SentResult> {
    const { device, pools } = this.#plan;
    const { index, valueBits } = this.#host;
    await Promise.all(
      pools.flatMap((p, i) => {
        const into = (to: Uint32Array) => (mapped: ArrayBuffer) => to.set(new Uint32Array(mapped, 0, p.sentCount), p.sentStart);
        return [
          device.readInto(this.#sentIndex[i], p.sentCount * 4, 0, into(index)),
          device.readInto(this.#sentValue[i], p.sentCount * 4, 0, into(valueBits)),
        ];
      }),
    );
    return this.#host;
  }

  /** Queued: as if the last encode() had chosen this. */
  setSent({ index, valueBits }: SentResult): void {
    const { device, pools } = this.#plan;
    for (const [i, { sentStart, sentCount }] of pools.entries()) {
      device.write(this.#sentIndex[i], index.subarray(sentStart, sentStart + sentCount));
      device.write(this.#sentValue[i], valueBits.subarray(sentStart, sentStart + sentCount));
    }
  }

  dispose(): void {
    for (const b of this.#owned) b.destroy();
  }
}
