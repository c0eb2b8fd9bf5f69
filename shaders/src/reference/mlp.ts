/** Twins of mlp/*.wgsl in f64. */
import type { Numbers } from "./numbers.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** silu(gate) * up. */
export function swigluForward(gate: Numbers, up: Numbers): Float64Array {
  return Float64Array.from(gate, (g, i) => g * sigmoid(g) * up[i]);
}

export function swigluBackward(dy: Numbers, gate: Numbers, up: Numbers): { dGate: Float64Array; dUp: Float64Array } {
  const slope = (g: number) => sigmoid(g) * (1 + g * (1 - sigmoid(g)));
  return {
    dGate: Float64Array.from(gate, (g, i) => dy[i] * up[i] * slope(g)),
    dUp: Float64Array.from(gate, (g, i) => dy[i] * g * sigmoid(g)),
  };
}
