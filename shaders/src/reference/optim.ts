/** Twins of optim/*.wgsl in f64. */
import type { Numbers } from "./numbers.ts";

/** Norm of g and the factor that clips it to maxNorm; maxNorm 0 clips nothing. */
export function clip(g: Numbers, maxNorm: number): { norm: number; factor: number } {
  let squares = 0;
  for (let i = 0; i < g.length; i++) squares += g[i] * g[i];
  const norm = Math.sqrt(squares);
  return { norm, factor: maxNorm > 0 && norm > maxNorm ? maxNorm / (norm + 1e-6) : 1 };
}

export interface AdamWState {
  p: Float64Array;
  m: Float64Array;
  v: Float64Array;
}

/** Step number `step` (from 1) in place. */
export function adamw(
  { p, m, v }: AdamWState,
  g: Numbers,
  step: number,
  {
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
  }: { learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecay: number },
): void {
  for (let i = 0; i < p.length; i++) {
    m[i] = beta1 * m[i] + (1 - beta1) * g[i];
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
    const first = m[i] / (1 - beta1 ** step);
    const second = v[i] / (1 - beta2 ** step);
    p[i] = p[i] * (1 - learningRate * weightDecay) - (learningRate * first) / (Math.sqrt(second) + epsilon);
  }
}
