/**
 * The basis tables as the kernels read them: entry [side] of a header of 65 says where that side's table starts, so that one
 * buffer serves tiles of all sides. Only the sides in use are filled.
 */
import { fixedBasis, orthonormal } from "../../reference/compress/basis.ts";
import { MAX_TILE_SIDE } from "./tileLayout.ts";

const HEADER = MAX_TILE_SIDE + 1;
const pad8 = (n: number) => Math.ceil(n / 8) * 8;
const distinct = (sides: Iterable<number>) => [...new Set(sides)].sort((a, b) => a - b);

/** For dctRows: (i < half, pad8(side) / 8, [even k x 4, odd k x 4]) of C(i, k). In vec4s. */
export function forwardBasisTable(sides: Iterable<number>): Float32Array<ArrayBuffer> {
  const halfOf = (n: number) => Math.ceil(n / 2);
  return floatTable(sides, halfOf, (n, i, slot) => {
    const k = (slot & ~7) + (slot & 3) * 2 + ((slot >> 2) & 1);
    return k < n ? orthonormal(fixedBasis(n), k, i) : 0;
  });
}

/** For subtractSent: (k, pad8(side)) of C(i, k). In vec4s. */
export function inverseBasisTable(sides: Iterable<number>): Float32Array<ArrayBuffer> {
  return floatTable(
    sides,
    (n) => n,
    (n, k, i) => (i < n ? orthonormal(fixedBasis(n), k, i) : 0),
  );
}

function floatTable(
  sides: Iterable<number>,
  rowsOf: (n: number) => number,
  entry: (n: number, row: number, column: number) => number,
): Float32Array<ArrayBuffer> {
  const used = distinct(sides);
  const out = new Float32Array((HEADER + used.reduce((sum, n) => sum + (rowsOf(n) * pad8(n)) / 4, 0)) * 4);
  let start = HEADER;
  for (const n of used) {
    out[n * 4] = start;
    for (let row = 0; row < rowsOf(n); row++) {
      for (let column = 0; column < pad8(n); column++) out[start * 4 + row * pad8(n) + column] = entry(n, row, column);
    }
    start += (rowsOf(n) * pad8(n)) / 4;
  }
  return out;
}

/** For rowPass: (k, pad8(half)) of b30. */
export function rowBasisTable(sides: Iterable<number>): Int32Array<ArrayBuffer> {
  const tables = distinct(sides).map(fixedBasis);
  const out = new Int32Array(HEADER + tables.reduce((sum, b) => sum + b.b30.length, 0));
  let start = HEADER;
  for (const { n, b30 } of tables) {
    out[n] = start;
    out.set(b30, start);
    start += b30.length;
  }
  return out;
}

/** For columnStep: (k, pad8(half) / 8, [b18 x 8, b13 x 8]). In vec4s. */
export function columnBasisTable(sides: Iterable<number>): Int32Array<ArrayBuffer> {
  const tables = distinct(sides).map(fixedBasis);
  const out = new Int32Array((HEADER + tables.reduce((sum, b) => sum + b.b18.length / 2, 0)) * 4);
  let start = HEADER;
  for (const { n, b18, b13 } of tables) {
    out[n * 4] = start;
    for (let at = 0; at < b18.length; at += 8) {
      out.set(b18.subarray(at, at + 8), start * 4 + at * 2);
      out.set(b13.subarray(at, at + 8), start * 4 + at * 2 + 8);
    }
    start += b18.length / 2;
  }
  return out;
}
