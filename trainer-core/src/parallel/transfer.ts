/** Parameters from one device to others through the host: WebGPU has no copies between devices. */
import { storageBytes } from "@starling/shaders/kernels/storage";
import type { ParameterCopy, ParameterSet } from "../model/parameterSet.ts";
import { shardsOf, type TensorShard } from "../model/tensor.ts";

/** Most bytes that are on the host at once; a tensor, or the shard of one, that is larger goes alone. */
const PIECE_BYTES = 64 * 2 ** 20;

/** A tensor, or those of its rows that are in one buffer. */
interface Part {
  name: string;
  shard: TensorShard | null;
  offsetBytes: number;
  bytes: number;
}

/** Neighbouring parts of one pool. */
interface Piece {
  buffer: GPUBuffer;
  offsetBytes: number;
  bytes: number;
  parts: Part[];
}

export class Transfer {
  readonly #from: ParameterSet;
  readonly #copy: ParameterCopy;
  readonly #pieces: Piece[] = [];

  /** Of one copy of all tensors of `from`. */
  constructor(from: ParameterSet, copy: ParameterCopy) {
    this.#from = from;
    this.#copy = copy;
    for (const { name } of from.parameters) {
      const whole = from.slice(copy, name);
      for (const tensor of shardsOf(whole) ?? [whole]) {
        const { buffer, offset: offsetBytes = 0, size: bytes = 0 } = tensor;
        const shard = "firstRow" in tensor && shardsOf(whole) !== null ? (tensor as TensorShard) : null;
        const part: Part = { name, shard, offsetBytes, bytes };
        const last = this.#pieces.at(-1);
        const end = offsetBytes + bytes;
        if (last?.buffer === buffer && end - last.offsetBytes <= PIECE_BYTES) {
          last.bytes = end - last.offsetBytes;
          last.parts.push(part);
        } else this.#pieces.push({ buffer, offsetBytes, bytes, parts: [part] });
      }
    }
  }

  /** Into the same copy of `to`, sets of the same tensors on other devices. Resolves when it is queued there. */
  async run(to: readonly ParameterSet[]): Promise<void> {
    if (to.length === 0) return;
    for (const { buffer, offsetBytes, bytes, parts } of this.#pieces) {
      await this.#from.device.readInto(buffer, bytes, offsetBytes, (mapped) => {
        for (const part of parts) for (const set of to) this.#write(set, part, mapped, part.offsetBytes - offsetBytes);
      });
    }
  }

  /** One part, which begins at `at` of `mapped`; the other adapter may cut the tensor elsewhere, or not at all. */
  #write(set: ParameterSet, { name, shard, bytes }: Part, mapped: ArrayBuffer, at: number): void {
    const whole = set.slice(this.#copy, name);
    const targets = shardsOf(whole);
    const { shape } = set.parameter(name);
    const columns = shape.at(-1)!;
    const allRows = shape.length === 1 ? 1 : shape[0];
    const [first, end] = shard === null ? [0, allRows] : [shard.firstRow, shard.firstRow + shard.rows];
    if (shard === null && targets === null) {
      set.device.writeBytes(whole.buffer, whole.offset!, mapped, at, bytes);
      return;
    }
    const bytesOf = (rows: number) => storageBytes(whole.storage, rows * columns);
    for (const { buffer, offset = 0, firstRow, rows } of targets ?? [{ ...whole, firstRow: 0, rows: allRows }]) {
      const [from, until] = [Math.max(first, firstRow), Math.min(end, firstRow + rows)];
      if (from >= until) continue;
      set.device.writeBytes(buffer, offset + bytesOf(from - firstRow), mapped, at + bytesOf(from - first), bytesOf(until - from));
    }
  }
}
