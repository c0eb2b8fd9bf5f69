/** Which token comes next: greedy, or by chance among the likeliest. */
import { GenerateError } from "./errors.ts";

export interface SamplerSettings {
  /** 0: always the likeliest token, of equals the first */
  temperature: number;
  /** only the likeliest tokens whose probabilities together reach this are drawn from; 1: all */
  topP: number;
}

/** Throws GenerateError bad-setting. */
export function checkSampler({ temperature, topP }: SamplerSettings): void {
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    throw new GenerateError("bad-setting", `the temperature must be 0 or more, got ${temperature}`);
  }
  if (!(topP > 0 && topP <= 1)) throw new GenerateError("bad-setting", `top-p must be more than 0 and at most 1, got ${topP}`);
}

/**
 * The next token by its logits (vocabulary); only the first `vocabulary` of them are considered. `uniform` in [0, 1) is the
 * chance of this draw. The nucleus is that of Holtzman et al. 2019 (arXiv 1904.09751): the shortest list of likeliest tokens
 * that reaches topP. Errors: GenerateError not-finite.
 */
export function sampleToken(
  logits: Float32Array,
  { temperature, topP }: SamplerSettings,
  uniform: number,
  vocabulary = logits.length,
): number {
  let best = 0;
  for (let i = 0; i < vocabulary; i++) {
    if (!Number.isFinite(logits[i])) throw new GenerateError("not-finite", `the logit of token ${i} is ${logits[i]}: the model is broken`);
    if (logits[i] > logits[best]) best = i;
  }
  if (temperature === 0) return best;
  const weights = new Float64Array(vocabulary);
  let total = 0;
  for (let i = 0; i < vocabulary; i++) total += weights[i] = Math.exp((logits[i] - logits[best]) / temperature);
  if (topP === 1) return draw(weights, uniform * total) ?? best;

  // a token below this share cannot be needed: even all the others below it together would not fill what is left of 1 - topP
  const least = ((1 - topP) / vocabulary) * total;
  const likely: number[] = [];
  for (let i = 0; i < vocabulary; i++) if (weights[i] >= least) likely.push(i);
  likely.sort((a, b) => weights[b] - weights[a] || a - b);
  let kept = 0;
  let count = 0;
  while (count < likely.length && kept < topP * total) kept += weights[likely[count++]];
  const at = draw(
    likely.slice(0, count).map((token) => weights[token]),
    uniform * kept,
  );
  return at === null ? best : likely[at];
}

/** The first place at which the running sum exceeds `target`; null where rounding leaves none. */
function draw(weights: ArrayLike<number>, target: number): number | null {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    if (target < sum) return i;
  }
  return null;
}

/** Number `n` of the seed's row of chances in [0, 1): a counter-based generator (two rounds of murmur3's finalizer), equal everywhere. */
export function chanceOf(seed: number, n: number): number {
  return mix(mix(seed >>> 0) ^ (n + 0x9e3779b9)) / 2 ** 32;
}

function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
