/** Twin of loss/crossEntropy*.wgsl in f64. */
import type { Numbers } from "./numbers.ts";

/** losses (rows) and the logits' gradient times `scale` (rows, vocabulary); targets below 0 count for nothing. */
export function crossEntropy(
  logits: Numbers,
  targets: Numbers,
  vocabulary: number,
  scale: number,
): { losses: Float64Array; dLogits: Float64Array } {
  const losses = new Float64Array(targets.length);
  const dLogits = new Float64Array(logits.length);
  for (let m = 0; m < targets.length; m++) {
    if (targets[m] < 0) continue;
    const row = Float64Array.from({ length: vocabulary }, (_, v) => logits[m * vocabulary + v]);
    const largest = row.reduce((a, b) => Math.max(a, b));
    const sum = row.reduce((total, x) => total + Math.exp(x - largest), 0);
    losses[m] = Math.log(sum) + largest - row[targets[m]];
    for (let v = 0; v < vocabulary; v++) {
      dLogits[m * vocabulary + v] = scale * (Math.exp(row[v] - largest) / sum - (v === targets[m] ? 1 : 0));
    }
  }
  return { losses, dLogits };
}
