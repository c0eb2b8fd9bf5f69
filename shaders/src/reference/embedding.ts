/** Twins of embedding/*.wgsl in f64. */
import type { Numbers } from "./numbers.ts";

/** y (rows, width): rows of table (vocabulary, width). */
export function embeddingGather(tokens: Numbers, table: Numbers, width: number): Float64Array {
  return Float64Array.from({ length: tokens.length * width }, (_, at) => table[tokens[Math.floor(at / width)] * width + (at % width)]);
}

/** dTable (vocabulary, width) from dy (rows, width). */
export function embeddingScatterAdd(tokens: Numbers, dy: Numbers, vocabulary: number, width: number): Float64Array {
  const dTable = new Float64Array(vocabulary * width);
  for (let m = 0; m < tokens.length; m++) {
    for (let c = 0; c < width; c++) dTable[tokens[m] * width + c] += dy[m * width + c];
  }
  return dTable;
}
