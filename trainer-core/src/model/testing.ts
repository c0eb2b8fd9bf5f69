/** Helpers of this room's tests. */
import type { Numbers } from "@starling/shaders/reference/numbers";
import { expect } from "vitest";

/** `count` normal values, the same for a seed (mulberry32 and Box-Muller). */
export function normals(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** The largest difference is at most `tolerance` times the largest expected value (or `scale`). NaN fails. */
export function expectClose(actual: Numbers, expected: Numbers, tolerance: number, what: string, scale?: number): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  let largest = 0;
  let worst = 0;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= worst)) [worst, at] = [Number.isNaN(difference) ? Infinity : difference, i];
  }
  const bound = tolerance * (scale ?? largest);
  expect(worst, `${what}: at ${at} expected ${expected[at]}, got ${actual[at]}`).toBeLessThanOrEqual(bound);
}
