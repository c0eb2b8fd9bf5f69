/** Twins of generate/*.wgsl in f64. Shapes as in those files. */
import type { CacheShape } from "../kernels/generate.ts";
import type { Numbers } from "./numbers.ts";

/** y = W x, W (n, k). */
export function matvec(w: Numbers, x: Numbers, n: number): Float64Array {
  const k = x.length;
  return Float64Array.from({ length: n }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += w[row * k + i] * x[i];
    return sum;
  });
}

/** Rotated rows (rows, heads*headDim) of tokens at `position` and after; table (2, positions, headDim/2). */
export function ropeAt(x: Numbers, table: Numbers, heads: number, headDim: number, positions: number, position: number): Float64Array {
  const y = Float64Array.from(x);
  const half = headDim / 2;
  for (let at = 0; at < x.length; at += headDim) {
    const angle = (position + Math.floor(at / (heads * headDim))) * half;
    for (let i = 0; i < half; i++) {
      const [cosine, sine] = [table[angle + i], table[positions * half + angle + i]];
      y[at + i] = x[at + i] * cosine - x[at + half + i] * sine;
      y[at + half + i] = x[at + half + i] * cosine + x[at + i] * sine;
    }
  }
  return y;
}

/** q (rows, queryHeads*headDim) rotated; keys, values (positions, keyHeads*headDim). */
export function attendCache(shape: CacheShape, position: number, q: Numbers, keys: Numbers, values: Numbers): Float64Array {
  const { rows, queryHeads, keyHeads, headDim } = shape;
  const out = new Float64Array(rows * queryHeads * headDim);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < queryHeads; head++) {
      const query = (row * queryHeads + head) * headDim;
      const keyAt = (j: number) => (j * keyHeads + Math.floor(head / (queryHeads / keyHeads))) * headDim;
      const scores = Array.from({ length: position + row + 1 }, (_, j) => {
        let sum = 0;
        for (let d = 0; d < headDim; d++) sum += q[query + d] * keys[keyAt(j) + d];
        return sum / Math.sqrt(headDim);
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      for (const [j, weight] of weights.entries()) {
        for (let d = 0; d < headDim; d++) out[query + d] += (weight / total) * values[keyAt(j) + d];
      }
    }
  }
  return out;
}
