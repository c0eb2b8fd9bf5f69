/**
 * The model's tensors on the device, in ascending name order (the canonical order of hashes, results and checkpoints).
 *
 * Three copies, each in as few pooled buffers as the adapter's binding limit allows, so that clearing, copying and
 * reducing over all parameters is one command a pool:
 * - master: f32, what is shared, hashed and stored; written only by exact arithmetic (DESIGN.md section 4)
 * - compute: what forward and backward read: master plus the look-ahead, maybe as halves
 * - grad: d(loss)/d(parameter), f32, accumulated by backward
 * Slices start at multiples of 256 bytes, at the same element in all three; the padding between them is always zero in all three.
 * A matrix that is larger than what can be bound is cut by rows into shards, each in a pool of its own.
 */
import { narrow } from "@starling/shaders/kernels/optim";
import { chunkSide, MAX_TILE_SIDE } from "@starling/shaders/kernels/compress/tileLayout";
import { storageBytes, storedValues, type Storage } from "@starling/shaders/kernels/storage";
import type { Device, Dispatch } from "../device/device.ts";
import { elementCount } from "./parameters.ts";
import type { Tensor, TensorShard } from "./tensor.ts";

export interface ParameterShape {
  name: string;
  /** (rows, columns) or (n) */
  shape: readonly number[];
}

export interface Parameter extends ParameterShape {
  /** position in ascending name order */
  index: number;
  elements: number;
  /** one, or the matrix's rows in their order */
  shards: readonly ParameterShard[];
}

export interface ParameterShard {
  pool: number;
  /** in an f32 copy */
  offsetBytes: number;
  firstRow: number;
  /** 1 for a vector */
  rows: number;
  elements: number;
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
  static async create(
    device: Device,
    shapes: readonly ParameterShape[],
    computeStorage: Storage,
    tileChunk?: number,
  ): Promise<ParameterSet> {
    const set = new ParameterSet(device, shapes, computeStorage, undefined, tileChunk);
    if (computeStorage === "f32") return set;
    set.#narrow = await Promise.all(
      set.poolBytes.map((bytes, i) => {
        const { spec, constants, grid } = narrow(bytes / 4, computeStorage);
        return device.dispatch(spec, constants, [set.#pools.master[i], set.#pools.compute[i]], grid);
      }),
    );
    return set;
  }

  /**
   * With an f32 compute copy; `create` makes others. `copies`: those that are needed, where another device has the rest. `tileChunk`:
   * largest side of a DisTrO tile, none of which is cut. Errors: DeviceError too-large.
   */
  constructor(
    device: Device,
    shapes: readonly ParameterShape[],
    computeStorage: Storage = "f32",
    copies: readonly ParameterCopy[] = ["master", "compute", "grad"],
    tileChunk: number = MAX_TILE_SIDE,
  ) {
    this.device = device;
    this.computeStorage = computeStorage;
    const alignBytes = SLICE_ALIGN_BYTES * (4 / ELEMENT_BYTES[computeStorage]);
    const limit = device.bindingLimitBytes;
    const sorted = [...shapes].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const poolBytes: number[] = [0];
    this.parameters = sorted.map(({ name, shape }, index) => {
      const elements = elementCount(shape);
      const columns = shape.at(-1)!;
      const place = (firstRow: number, rows: number): ParameterShard => {
        const bytes = Math.ceil((rows * columns * 4) / alignBytes) * alignBytes;
        if (poolBytes.at(-1)! > 0 && poolBytes.at(-1)! + bytes > limit) poolBytes.push(0);
        const pool = poolBytes.length - 1;
        const offsetBytes = poolBytes[pool];
        poolBytes[pool] += bytes;
        return { pool, offsetBytes, firstRow, rows, elements: rows * columns };
      };
      const rows = elements / columns;
      const most = shardRows(rows, columns, { limit, alignBytes, tileChunk });
      const shards = Array.from({ length: Math.ceil(rows / most) }, (_, s) => place(s * most, Math.min(most, rows - s * most)));
      return { name, shape, index, elements, shards };
    });
    this.poolBytes = poolBytes;
    const make = (copy: ParameterCopy) =>
      !copies.includes(copy)
        ? []
        : poolBytes.map((bytes, i) => device.buffer(`${copy} parameters ${i}`, storageBytes(this.storageOf(copy), bytes / 4)));
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

  /** The tensor's slice of `copy`, to bind; of one that is in shards, all of them (`shardsOf`). */
  slice(copy: ParameterCopy, name: string): Tensor {
    const { shards } = this.parameter(name);
    const storage = this.storageOf(copy);
    const tensors = shards.map((shard): TensorShard => {
      const size = Math.max(16, Math.ceil(storageBytes(storage, shard.elements) / 16) * 16);
      const { firstRow, rows } = shard;
      return { buffer: this.#pools[copy][shard.pool], offset: this.#offsetBytes(copy, shard), size, storage, firstRow, rows };
    });
    return tensors.length === 1 ? tensors[0] : { ...tensors[0], shards: tensors };
  }

  #offsetBytes(copy: ParameterCopy, { offsetBytes }: ParameterShard): number {
    return (offsetBytes / 4) * ELEMENT_BYTES[this.storageOf(copy)];
  }

  pools(copy: ParameterCopy): readonly GPUBuffer[] {
    return this.#pools[copy];
  }

  /** Queued. `values` has the tensor's row-major elements. */
  write(copy: "master" | "grad", name: string, values: Float32Array<ArrayBuffer>): void {
    const p = this.parameter(name);
    if (values.length !== p.elements) throw new RangeError(`${name} has ${p.elements} elements, got ${values.length}`);
    this.writeTo(this.#pools[copy], p, values);
  }

  read(copy: ParameterCopy, name: string): Promise<Float32Array<ArrayBuffer>> {
    return this.#readFrom(this.#pools[copy], this.parameter(name), copy);
  }

  /** The same tensor of f32 pools that lie as these do, such as a residual. */
  readFrom(pools: readonly GPUBuffer[], parameter: Parameter): Promise<Float32Array<ArrayBuffer>> {
    return this.#readFrom(pools, parameter, "master");
  }

  async #readFrom(
    pools: readonly GPUBuffer[],
    { shape, shards, elements }: Parameter,
    copy: ParameterCopy,
  ): Promise<Float32Array<ArrayBuffer>> {
    const storage = this.storageOf(copy);
    const parts = await Promise.all(
      shards.map(async (shard) => {
        const bytes = await this.device.read(pools[shard.pool], storageBytes(storage, shard.elements), this.#offsetBytes(copy, shard));
        return storedValues(bytes, storage, shard.elements);
      }),
    );
    if (parts.length === 1) return parts[0];
    const whole = new Float32Array(elements);
    parts.forEach((part, s) => whole.set(part, shards[s].firstRow * shape.at(-1)!));
    return whole;
  }

  /** Queued: as `readFrom`, the other way. */
  writeTo(pools: readonly GPUBuffer[], { shape, shards }: Parameter, values: Float32Array<ArrayBuffer>): void {
    for (const { pool, offsetBytes, firstRow, elements } of shards) {
      const first = firstRow * shape.at(-1)!;
      this.device.write(pools[pool], values.subarray(first, first + elements), offsetBytes);
    }
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

/** A tensor's values in copies of f32 pools that lie as a set's do: a view where it is in one piece. */
export function tensorOfPools(pools: readonly ArrayBuffer[], { shape, shards, elements }: Parameter): Float32Array<ArrayBuffer> {
  const [{ pool, offsetBytes }] = shards;
  if (shards.length === 1) return new Float32Array(pools[pool], offsetBytes, elements);
  const whole = new Float32Array(elements);
  for (const shard of shards) {
    whole.set(new Float32Array(pools[shard.pool], shard.offsetBytes, shard.elements), shard.firstRow * shape.at(-1)!);
  }
  return whole;
}

/** Products bind columns of an activation, one for each row of a shard: at multiples of 256 bytes, also of halves. */
const SHARD_ALIGN_ROWS = 128;

/** Most rows of a shard of a (rows, columns) matrix; all of them where they can be bound at once. Cuts no tile. */
function shardRows(
  rows: number,
  columns: number,
  { limit, alignBytes, tileChunk }: { limit: number; alignBytes: number; tileChunk: number },
): number {
  const most = Math.floor((Math.floor(limit / alignBytes) * alignBytes) / (4 * columns));
  if (rows <= most) return rows;
  const height = chunkSide(rows, tileChunk);
  const align = (SHARD_ALIGN_ROWS * height) / greatestCommonDivisor(SHARD_ALIGN_ROWS, height);
  // what does not fit even so is refused where its buffer is made
  return Math.max(align, Math.floor(most / align) * align);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
