/** Parameters from one device to others through the host: WebGPU has no copies between devices. */
import type { ParameterCopy, ParameterSet } from "../model/parameterSet.ts";

/** Most bytes that are on the host at once; a tensor that is larger goes alone. */
const PIECE_BYTES = 64 * 2 ** 20;

/** Neighbouring tensors of one pool. */
interface Piece {
  buffer: GPUBuffer;
  offsetBytes: number;
  bytes: number;
  names: string[];
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
      const { buffer, offset = 0, size = 0 } = from.slice(copy, name);
      const last = this.#pieces.at(-1);
      if (last?.buffer === buffer && offset + size - last.offsetBytes <= PIECE_BYTES) {
        last.bytes = offset + size - last.offsetBytes;
        last.names.push(name);
      } else this.#pieces.push({ buffer, offsetBytes: offset, bytes: size, names: [name] });
    }
  }

  /** Into the same copy of `to`, sets of the same tensors on other devices. Resolves when it is queued there. */
  async run(to: readonly ParameterSet[]): Promise<void> {
    if (to.length === 0) return;
    for (const { buffer, offsetBytes, bytes, names } of this.#pieces) {
      await this.#from.device.readInto(buffer, bytes, offsetBytes, (mapped) => {
        for (const name of names) {
          const at = this.#from.slice(this.#copy, name).offset! - offsetBytes;
          for (const set of to) {
            const { buffer: target, offset = 0, size = 0 } = set.slice(this.#copy, name);
            set.device.writeBytes(target, offset, mapped, at, size);
          }
        }
      });
    }
  }
}
