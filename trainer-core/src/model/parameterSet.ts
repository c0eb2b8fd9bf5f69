/**
 * The model's tensors on the device, in ascending name order (the canonical order of hashes, results and checkpoints).
 *
 * Three copies, each in as few pooled buffers as the adapter's binding limit allows, so that clearing, copying and
 * reducing over all parameters is one command a pool:
 * - master: f32, what is shared, hashed and stored; written only by exact arithmetic (DESIGN.md section 4)
 * - compute: what forward and backward read: master plus the look-ahead
 * - grad: d(loss)/d(parameter), accumulated by backward
 * Slices start at multiples of 256 bytes; the padding between them is always zero in all three.
 */
import type { Device } from "../device/device.ts";
import { elementCount } from "./parameters.ts";

export interface ParameterShape {
  name: string;
  /** (rows, columns) or (n) */
  shape: readonly number[];
}

export interface Parameter extends ParameterShape {
  /** position in ascending name order */
  index: number;
  elements: number;
  pool: number;
  offsetBytes: number;
}

export type ParameterCopy = "master" | "compute" | "grad";

const SLICE_ALIGN_BYTES = 256;

export class ParameterSet {
  readonly device: Device;
  readonly parameters: readonly Parameter[];
  readonly poolBytes: readonly number[];
  readonly #pools: Record<ParameterCopy, GPUBuffer[]>;
  readonly #byName: Map<string, Parameter>;

  constructor(device: Device, shapes: readonly ParameterShape[]) {
    this.device = device;
    const limit = Math.min(device.gpu.limits.maxStorageBufferBindingSize, device.gpu.limits.maxBufferSize);
    const sorted = [...shapes].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const poolBytes: number[] = [0];
    this.parameters = sorted.map(({ name, shape }, index) => {
      const elements = elementCount(shape);
      const bytes = Math.ceil((elements * 4) / SLICE_ALIGN_BYTES) * SLICE_ALIGN_BYTES;
      if (poolBytes.at(-1)! > 0 && poolBytes.at(-1)! + bytes > limit) poolBytes.push(0);
      const pool = poolBytes.length - 1;
      const offsetBytes = poolBytes[pool];
      poolBytes[pool] += bytes;
      return { name, shape, index, elements, pool, offsetBytes };
    });
    this.poolBytes = poolBytes;
    const make = (copy: ParameterCopy) => poolBytes.map((bytes, i) => device.buffer(`${copy} parameters ${i}`, bytes));
    this.#pools = { master: make("master"), compute: make("compute"), grad: make("grad") };
    this.#byName = new Map(this.parameters.map((p) => [p.name, p]));
  }

  get elementCount(): number {
    return this.parameters.reduce((sum, p) => sum + p.elements, 0);
  }

  /** Throws RangeError when the model has no such tensor. */
  parameter(name: string): Parameter {
    const p = this.#byName.get(name);
    if (!p) throw new RangeError(`no parameter named ${name}; the model has ${this.parameters.length}, first ${this.parameters[0]?.name}`);
    return p;
  }

  /** The tensor's slice of `copy`, to bind. */
  slice(copy: ParameterCopy, name: string): GPUBufferBinding {
    const p = this.parameter(name);
    return { buffer: this.#pools[copy][p.pool], offset: p.offsetBytes, size: Math.max(16, Math.ceil((p.elements * 4) / 16) * 16) };
  }

  pools(copy: ParameterCopy): readonly GPUBuffer[] {
    return this.#pools[copy];
  }

  /** Queued. `values` has the tensor's row-major elements. */
  write(copy: ParameterCopy, name: string, values: Float32Array<ArrayBuffer>): void {
    const p = this.parameter(name);
    if (values.length !== p.elements) throw new RangeError(`${name} has ${p.elements} elements, got ${values.length}`);
    this.device.write(this.#pools[copy][p.pool], values, p.offsetBytes);
  }

  async read(copy: ParameterCopy, name: string): Promise<Float32Array<ArrayBuffer>> {
    const p = this.parameter(name);
    return new Float32Array(await this.device.read(this.#pools[copy][p.pool], p.elements * 4, p.offsetBytes));
  }

  /** compute := master, in queue order. */
  copyMasterToCompute(): void {
    this.poolBytes.forEach((bytes, i) => this.device.copy(this.#pools.master[i], this.#pools.compute[i], bytes));
  }

  clearGradients(): void {
    this.device.clear(...this.#pools.grad);
  }

  dispose(): void {
    for (const pools of Object.values(this.#pools)) for (const b of pools) b.destroy();
  }
}
