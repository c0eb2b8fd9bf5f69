import { describe, expect, test } from "vitest";
import { normals } from "../model/testing.ts";
import { chanceOf, sampleToken } from "./sampler.ts";

/** The nucleus as the paper words it, with nothing left out: sorted, summed, drawn from. */
function plainTopP(logits: Float32Array, temperature: number, topP: number, uniform: number): number {
  const scaled = [...logits].map((v) => v / temperature);
  const largest = Math.max(...scaled);
  const weights = scaled.map((v) => Math.exp(v - largest));
  const total = weights.reduce((a, b) => a + b, 0);
  const sorted = weights.map((w, token) => ({ token, p: w / total })).sort((a, b) => b.p - a.p);
  let count = 0;
  for (let sum = 0; count < sorted.length && sum < topP;) sum += sorted[count++].p;
  const nucleus = sorted.slice(0, count);
  const kept = nucleus.reduce((sum, { p }) => sum + p, 0);
  let sum = 0;
  for (const { token, p } of nucleus) {
    sum += p / kept;
    if (uniform < sum) return token;
  }
  return nucleus[0].token;
}

describe("sampleToken", () => {
  test("temperature 0 takes the likeliest, of equals the first", () => {
    expect(sampleToken(Float32Array.of(1, 3, 3, 2), { temperature: 0, topP: 0.1 }, 0.99)).toBe(1);
  });

  test("draws from the nucleus as a plain sort does", () => {
    let differing = 0;
    for (let n = 0; n < 400; n++) {
      const logits = normals(50, 1 + n).map((v) => 3 * v);
      const [temperature, topP] = [0.3 + (n % 7) * 0.3, [0.05, 0.5, 0.9, 0.999][n % 4]];
      const uniform = chanceOf(5, n);
      expect(sampleToken(logits, { temperature, topP }, uniform), `draw ${n}`).toBe(plainTopP(logits, temperature, topP, uniform));
      if (sampleToken(logits, { temperature, topP: 1 }, uniform) !== sampleToken(logits, { temperature, topP }, uniform)) differing++;
    }
    expect(differing).toBeGreaterThan(100);
  });

  test("without a nucleus every token comes as often as it should", () => {
    const logits = Float32Array.from([1, 2, 3, 4], Math.log);
    const counts = [0, 0, 0, 0];
    for (let n = 0; n < 20_000; n++) counts[sampleToken(logits, { temperature: 1, topP: 1 }, chanceOf(1, n))]++;
    for (const [i, count] of counts.entries()) expect(Math.abs(count / 20_000 - (i + 1) / 10)).toBeLessThan(0.015); // 4 sigma
  });

  test("a logit that is no number is named", () => {
    expect(() => sampleToken(Float32Array.of(0, Number.NaN), { temperature: 1, topP: 1 }, 0)).toThrow(/logit of token 1 is NaN/);
  });
});
