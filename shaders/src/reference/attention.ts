/** Twins of attention/*.wgsl in f64, with the scores of one row at a time. Shapes as in attention/forward.wgsl. */
import type { AttentionShape } from "../kernels/attention.ts";
import type { Numbers } from "./numbers.ts";

/** Rotates each head's pairs (x[i], x[i + headDim/2]); table (2, sequence, headDim/2) holds cos, then sin; sign -1 undoes it. */
export function rope(x: Numbers, table: Numbers, heads: number, headDim: number, sequence: number, sign: 1 | -1): Float64Array {
  const y = Float64Array.from(x);
  const half = headDim / 2;
  for (let m = 0; m * heads * headDim < x.length; m++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < half; i++) {
        const at = (m * heads + h) * headDim + i;
        const cos = table[(m % sequence) * half + i];
        const sin = sign * table[(sequence + (m % sequence)) * half + i];
        y[at] = x[at] * cos - x[at + half] * sin;
        y[at + half] = x[at + half] * cos + x[at] * sin;
      }
    }
  }
  return y;
}

/** Offsets of row i of a head, and the softmax weights p[i, 0..i] of one query row. */
function* queryRows(shape: AttentionShape, q: Numbers, k: Numbers) {
  const { batch, sequence, queryHeads, keyHeads, headDim } = shape;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < queryHeads; h++) {
      const keyHead = Math.floor(h / (queryHeads / keyHeads));
      const keyAt = (j: number) => ((b * sequence + j) * keyHeads + keyHead) * headDim;
      for (let i = 0; i < sequence; i++) {
        const row = (b * sequence + i) * queryHeads + h;
        const scores = Float64Array.from({ length: i + 1 }, (_, j) => dot(q, row * headDim, k, keyAt(j), headDim) / Math.sqrt(headDim));
        const largest = scores.reduce((a, c) => Math.max(a, c));
        const lse = largest + Math.log(scores.reduce((sum, s) => sum + Math.exp(s - largest), 0));
        yield { row, keyAt, lse, weights: scores.map((s) => Math.exp(s - lse)) };
      }
    }
  }
}

function dot(a: Numbers, aAt: number, b: Numbers, bAt: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[aAt + d] * b[bAt + d];
  return sum;
}

export function attentionForward(shape: AttentionShape, q: Numbers, k: Numbers, v: Numbers): { out: Float64Array; lse: Float64Array } {
  const { headDim } = shape;
  const out = new Float64Array(q.length);
  const logs = new Float64Array(q.length / headDim);
  for (const { row, keyAt, lse, weights } of queryRows(shape, q, k)) {
    logs[row] = lse;
    for (const [j, p] of weights.entries()) {
      for (let d = 0; d < headDim; d++) out[row * headDim + d] += p * v[keyAt(j) + d];
    }
  }
  return { out, lse: logs };
}

export function attentionBackward(
  shape: AttentionShape,
  q: Numbers,
  k: Numbers,
  v: Numbers,
  out: Numbers,
  dOut: Numbers,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array } {
  const { headDim } = shape;
  const dq = new Float64Array(q.length);
  const dk = new Float64Array(k.length);
  const dv = new Float64Array(v.length);
  for (const { row, keyAt, weights } of queryRows(shape, q, k)) {
    const delta = dot(dOut, row * headDim, out, row * headDim, headDim);
    for (const [j, p] of weights.entries()) {
      const ds = (p * (dot(dOut, row * headDim, v, keyAt(j), headDim) - delta)) / Math.sqrt(headDim);
      for (let d = 0; d < headDim; d++) {
        dq[row * headDim + d] += ds * k[keyAt(j) + d];
        dk[keyAt(j) + d] += ds * q[row * headDim + d];
        dv[keyAt(j) + d] += p * dOut[row * headDim + d];
      }
    }
  }
  return { dq, dk, dv };
}
