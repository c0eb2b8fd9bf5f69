/** Twins of the encoder: the orthonormal DCT-II of each tile (in double precision) and the exact top-k selection. */
import { type TileLayout, tileStart } from "../../kernels/compress/tileLayout.ts";
import { fixedBasis, orthonormal } from "./basis.ts";

function orthonormalTable(n: number): Float64Array {
  const basis = fixedBasis(n);
  return Float64Array.from({ length: n * n }, (_, at) => orthonormal(basis, Math.floor(at / n), at % n)); // (k, i)
}

/** Coefficients of `tensor`, (tiles, total). */
export function encodeTiles(layout: TileLayout, tensor: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const { height, width, total } = layout;
  const down = orthonormalTable(height);
  const across = orthonormalTable(width);
  const out = new Float64Array(layout.tiles * total);
  const partial = new Float64Array(total); // (height, width): rows transformed
  for (let tile = 0; tile < layout.tiles; tile++) {
    const start = tileStart(layout, tile);
    for (let i = 0; i < height; i++) {
      for (let d = 0; d < width; d++) {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += tensor[start + i * layout.columns + j] * across[d * width + j];
        partial[i * width + d] = sum;
      }
    }
    for (let b = 0; b < height; b++) {
      for (let d = 0; d < width; d++) {
        let sum = 0;
        for (let i = 0; i < height; i++) sum += partial[i * width + d] * down[b * height + i];
        out[tile * total + b * width + d] = sum;
      }
    }
  }
  return out;
}

/** Inverse of encodeTiles for sparse coefficients: what a sent list is worth in the tensor, (elements). */
export function decodeSparse(
  layout: TileLayout,
  topk: number,
  index: ArrayLike<number>,
  value: ArrayLike<number>,
): Float64Array<ArrayBuffer> {
  const { height, width } = layout;
  const down = orthonormalTable(height);
  const across = orthonormalTable(width);
  const out = new Float64Array(layout.elements);
  for (let n = 0; n < layout.tiles * topk; n++) {
    const start = tileStart(layout, Math.floor(n / topk));
    const b = Math.floor(index[n] / width);
    const d = index[n] % width;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) out[start + i * layout.columns + j] += value[n] * down[b * height + i] * across[d * width + j];
    }
  }
  return out;
}

/** Positions of the `topk` largest magnitudes, the lower position first among equals, in rising order. */
export function selectTopk(coefficients: ArrayLike<number>, topk: number): number[] {
  const order = Array.from(coefficients, (_, position) => position);
  order.sort((a, b) => Math.abs(coefficients[b]) - Math.abs(coefficients[a]) || a - b);
  return order.slice(0, topk).sort((a, b) => a - b);
}
