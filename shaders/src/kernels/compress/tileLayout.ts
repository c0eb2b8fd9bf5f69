/**
 * How a tensor is cut into DisTrO tiles, and the record a kernel reads for each. A matrix is cut along both axes, a vector
 * into 1-row tiles; tiles are numbered row-major, coefficient (b, d) of a tile is at position b * width + d.
 */

/** The kernels' tables, thread counts and overflow proofs hold for sides up to 64 (reference/compress/integerDecode.ts). */
export const MAX_TILE_SIDE = 64;

export interface TileLayout {
  shape: readonly number[];
  /** sides of a tile */
  height: number;
  width: number;
  /** tiles across */
  gridX: number;
  tiles: number;
  /** elements in a row of the tensor */
  columns: number;
  elements: number;
  /** coefficients in a tile */
  total: number;
}

/** The largest divisor of `length` that is at most `chunk`: `length` itself when it fits, 1 for a large prime. */
export function chunkSide(length: number, chunk: number): number {
  if (length <= chunk) return length;
  let side = chunk;
  while (length % side !== 0) side--;
  return side;
}

/** Throws RangeError for anything but (rows, columns) or (n), all at least 1, and for `chunk` outside 1..64. */
export function tileLayout(shape: readonly number[], chunk: number): TileLayout {
  if (!Number.isInteger(chunk) || chunk < 1 || chunk > MAX_TILE_SIDE) {
    throw new RangeError(`a tile side (compression_chunk) must be an integer from 1 to ${MAX_TILE_SIDE}, got ${chunk}`);
  }
  if ((shape.length !== 1 && shape.length !== 2) || shape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new RangeError(`DisTrO compresses vectors and matrices with sides of at least 1, got a tensor of shape [${shape.join(", ")}]`);
  }
  const rows = shape.length === 2 ? shape[0] : 1;
  const columns = shape.at(-1)!;
  const height = shape.length === 2 ? chunkSide(rows, chunk) : 1;
  const width = chunkSide(columns, chunk);
  const gridX = columns / width;
  return { shape, height, width, gridX, tiles: (rows / height) * gridX, columns, elements: rows * columns, total: height * width };
}

/** Coefficients sent of each tile. */
export function tileTopk(layout: TileLayout, topk: number): number {
  return Math.max(1, Math.min(topk, layout.total));
}

/** Position in the tensor of the first element of `tile`. */
export function tileStart(layout: TileLayout, tile: number): number {
  return Math.floor(tile / layout.gridX) * layout.height * layout.columns + (tile % layout.gridX) * layout.width;
}

/** The number that a tile has in the whole model's tensor, which is `gridX` tiles across. */
export function tileIndex(layout: TileLayout, gridX: number, tile: number): number {
  return Math.floor(tile / layout.gridX) * gridX + (tile % layout.gridX);
}

/** Words of `struct Tile` in wgsl/prelude/tiles.wgsl. */
export const TILE_WORDS = 9;
/** Words of `struct Batch`. */
export const BATCH_WORDS = 6;

export interface TensorPlacement {
  layout: TileLayout;
  topk: number;
  /** index in ascending name order */
  tensor: number;
  /** of the tensor's first element in its pool */
  firstElement: number;
  /** elements from one row to the next in the pool, where the layout is that of the first columns alone */
  pitch?: number;
  /** tiles across the whole model's tensor, where the layout is that of a part of it: by this its tiles are numbered */
  gridX?: number;
  /** number of the first tile, where the layout is that of rows further down */
  firstTile?: number;
}

/** Records of every tile of `tensors`, which share a pool, in order. (tiles, 9) u32 */
export function tileTable(tensors: readonly TensorPlacement[]): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(tensors.reduce((sum, t) => sum + t.layout.tiles, 0) * TILE_WORDS);
  let at = 0;
  let sent = 0;
  let dense = 0;
  for (const { layout, topk, tensor, firstElement, pitch = layout.columns, gridX = layout.gridX, firstTile = 0 } of tensors) {
    const { height, width } = layout;
    const placed = { ...layout, columns: pitch };
    for (let tile = 0; tile < layout.tiles; tile++) {
      const index = firstTile + tileIndex(layout, gridX, tile);
      table.set([firstElement + tileStart(placed, tile), pitch, height, width, topk, sent, dense, tensor, index], at);
      at += TILE_WORDS;
      sent += topk;
      dense += layout.total;
    }
  }
  return table;
}
