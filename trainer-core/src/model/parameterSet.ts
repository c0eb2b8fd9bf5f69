/**
 * The model's tensors on the device, in ascending name order (the canonical order of hashes, results and checkpoints).
 *
 * Three copies, each in as few pooled buffers as the adapter's binding limit allows, so that clearing, copying and
 * reducing over all parameters is one command a pool:
 * - master: f32, what is shared, hashed and stored; written only by exact arithmetic (DESIGN.md section 4)
 * - compute: what forward and backward read: master plus the look-ahead, maybe as halves
 * - grad: d(loss)/d(parameter), f32, accumulated by backward
 * Slices start at multiples of 256 bytes, at the same element in all three; the padding between them is always zero in all three.
 */
import { narrow } from "@starling/shaders/kernels/optim";
import { storageBytes, storedValues, type Storage } from "@starling/shaders/kernels/storage";
import type { Device, Dispatch } from "../device/device.ts";
import { elementCount } from "./parameters.ts";
import type { Tensor } from "./tensor.ts";

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
  /** in an f32 copy */
  offsetBytes: number;
}

export type ParameterCopy = "master" | "compute" | "grad";

const SLICE_ALIGN_BYTES = 256;
const ELEMENT_BYTES: Record<Storage, number> = { f32: 4, f16: 2, packed: 2 };

export class ParameterSet {
  readonly device: Device;
  readonly parameters: readonly Parameter[];
  /** of an f32 copy */
  readonly poolBytes: readonly number[];
  readonly computeStorage: Storage;
  readonly #pools: Record<ParameterCopy, GPUBuffer[]>;
  readonly #byName: Map<string, Parameter>;
  /** compute := master where that is not a plain copy */
  #narrow: readonly Dispatch[] = [];
  #computeVersion = 0;

  /** Errors: DeviceError (too-large, wgsl). */
  static async create(device: Device, shapes: readonly ParameterShape[], computeStorage: Storage): Promise<ParameterSet> {
    const set = new ParameterSet(device, shapes, computeStorage);
    if (computeStorage === "f32") return set;
    set.#narrow = await Promise.all(
      set.poolBytes.map((bytes, i) => {
        const { spec, constants, grid } = narrow(bytes / 4, computeStorage);
        return device.dispatch(spec, constants, [set.#pools.master[i], set.#pools.compute[i]], grid);
      }),
    );
    return set;
  }

  /** With an f32 compute copy; `create` makes others. Errors: DeviceError too-large. */
  constructor(device: Device, shapes: readonly ParameterShape[], computeStorage: Storage = "f32") {
    this.device = device;
    this.computeStorage = computeStorage;
    const alignBytes = SLICE_ALIGN_BYTES * (4 / ELEMENT_BYTES[computeStorage]);
    const limit = Math.min(device.gpu.limits.maxStorageBufferBindingSize, device.gpu.limits.maxBufferSize);
    const sorted = [...shapes].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const poolBytes: number[] = [0];
    this.parameters = sorted.map(({ name, shape }, index) => {
      const elements = elementCount(shape);
      const bytes = Math.ceil((elements * 4) / alignBytes) * alignBytes;
      if (poolBytes.at(-1)! > 0 && poolBytes.at(-1)! + bytes > limit) poolBytes.push(0);
      const pool = poolBytes.length - 1;
      const offsetBytes = poolBytes[pool];
      poolBytes[pool] += bytes;
      return { name, shape, index, elements, pool, offsetBytes };
    });
    this.poolBytes = poolBytes;
    const make = (copy: ParameterCopy) =>
      poolBytes.map((bytes, i) => device.buffer(`${copy} parameters ${i}`, storageBytes(this.storageOf(copy), bytes / 4)));
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

  storageOf(copy: ParameterCopy): Storage {
    return copy === "compute" ? this.computeStorage : "f32";
  }

  /** The tensor's slice of `copy`, to bind. */
  slice(copy: ParameterCopy, name: string): Tensor {
    const p = this.parameter(name);
    const storage = this.storageOf(copy);
    const size = Math.max(16, Math.ceil(storageBytes(storage, p.elements) / 16) * 16);
    return { buffer: this.#pools[copy][p.pool], offset: this.#offsetBytes(copy, p), size, storage };
  }

  #offsetBytes(copy: ParameterCopy, { offsetBytes }: Parameter): number {
    return (offsetBytes / 4) * ELEMENT_BYTES[this.storageOf(copy)];
  }

  pools(copy: ParameterCopy): readonly GPUBuffer[] {
    return this.#pools[copy];
  }

  /** Queued. `values` has the tensor's row-major elements. */
  write(copy: "master" | "grad", name: string, values: Float32Array<ArrayBuffer>): void {
    const p = this.parameter(name);
    if (values.length !== p.elements) throw new RangeError(`${name} has ${p.elements} elements, got ${values.length}`);
    this.device.write(this.#pools[copy][p.pool], values, p.offsetBytes);
  }

  async read(copy: ParameterCopy, name: string): Promise<Float32Array<ArrayBuffer>> {
    const p = this.parameter(name);
    const storage = this.storageOf(copy);
    const bytes = await this.device.read(this.#pools[copy][p.pool], storageBytes(storage, p.elements), this.#offsetBytes(copy, p));
    return storedValues(bytes, storage, p.elements);
  }

  /** compute := master, rounded to its storage, in queue order. */
  copyMasterToCompute(): void {
    this.markComputeWritten();
    if (this.computeStorage !== "f32") this.device.run(this.#narrow);
    else this.poolBytes.forEach((bytes, i) => this.device.copy(this.#pools.master[i], this.#pools.compute[i], bytes));
  }

  /** Raised by every change of the compute copy: what keeps a copy of it elsewhere compares. */
  get computeVersion(): number {
    return this.#computeVersion;
  }

  /** Called by whoever writes the compute pools. */
  markComputeWritten(): void {
    this.#computeVersion++;
  }

  clearGradients(): void {
    this.device.clear(...this.#pools.grad);
  }

  dispose(): void {
    for (const pools of Object.values(this.#pools)) for (const b of pools) b.destroy();
  }
}
