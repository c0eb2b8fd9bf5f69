/** Twins of parallel/*.wgsl in f64. The softmax over shards has loss.ts' twin: it is the whole vocabulary's. */
import type { Numbers } from "./numbers.ts";

/** y (rows, width): the shard's rows of the table, zeros where the token is below 0. */
export function gatherShard(tokens: Numbers, table: Numbers, width: number): Float64Array {
  return Float64Array.from({ length: tokens.length * width }, (_, at) => {
    const token = tokens[Math.floor(at / width)];
    return token < 0 ? 0 : table[token * width + (at % width)];
  });
}

/** Columns [first, first + columns) of a (rows, pitch) matrix, (rows, columns). */
export function sliceColumns(
  matrix: Numbers,
  rows: number,
  columns: number,
  { pitch, first }: { pitch: number; first: number },
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => matrix[Math.floor(at / columns) * pitch + first + (at % columns)]);
}

/** (3, rows): maximum, sum of exp(logit - maximum), and the target's logit, 0 where the target is not among columns first, first + 1, ... */
export function softmaxShard(logits: Numbers, targets: Numbers, first: number): Float64Array {
  const rows = targets.length;
  const columns = logits.length / rows;
  const out = new Float64Array(3 * rows);
  for (let m = 0; m < rows; m++) {
    const row = Array.from({ length: columns }, (_, v) => logits[m * columns + v]);
    const largest = row.reduce((a, b) => Math.max(a, b));
    out[m] = largest;
    out[rows + m] = row.reduce((total, x) => total + Math.exp(x - largest), 0);
    out[2 * rows + m] = row[targets[m] - first] ?? 0;
  }
  return out;
}
