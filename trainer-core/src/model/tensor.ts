import { storageBytes, type Storage } from "@starling/shaders/kernels/storage";

/** Part of a buffer that knows how its elements are stored. Offset and size are in bytes. */
export interface Tensor extends GPUBufferBinding {
  storage: Storage;
  /** a matrix that cannot be bound at once: its rows in their order */
  shards?: readonly TensorShard[];
}

export interface TensorShard extends Tensor {
  firstRow: number;
  rows: number;
}

/** What a dispatch binds; without a storage of its own it is f32. */
export type Bound = GPUBuffer | GPUBufferBinding | Tensor;

export function storageOf(bound: Bound): Storage {
  return "storage" in bound ? bound.storage : "f32";
}

/**
 * Rows [first, first + rows) of (M, columns), `pitch` elements apart, to bind. `first` is a multiple of 64, and narrow ones have an
 * even pitch: so the slice begins at a multiple of 256 bytes, as bindings must.
 */
export function rowsOf(bound: Bound, first: number, rows: number, columns: number, pitch = columns): Tensor {
  const { buffer, offset = 0 } = "buffer" in bound ? bound : { buffer: bound };
  const storage = storageOf(bound);
  const size = storageBytes(storage, (rows - 1) * pitch + columns);
  return { buffer, offset: offset + storageBytes(storage, first * pitch), size, storage };
}

/** The pieces of a matrix that cannot be bound at once; null for one that can. */
export function shardsOf(bound: Bound): readonly TensorShard[] | null {
  return ("storage" in bound && bound.shards) || null;
}

/** Columns [first, first + columns) of (rows, pitch), to bind; `first` is a multiple of 128, so that the slice begins at one of 256 bytes. */
export function columnsOf(bound: Bound, first: number, rows: number, columns: number, pitch: number): Tensor {
  const { buffer, offset = 0 } = "buffer" in bound ? bound : { buffer: bound };
  const storage = storageOf(bound);
  return { buffer, offset: offset + storageBytes(storage, first), size: storageBytes(storage, (rows - 1) * pitch + columns), storage };
}
