/** Which source each sequence of a mixture comes from: the same for every client, found without looking at the sequences before. */
export interface MixtureSchedule {
  /** the source of sequence `index`, and which one of that source it is */
  draw(index: bigint): { source: number; sequence: bigint };
}

/** Entries of the table times sources: what it costs to make it. Shares are exact to one in a million for up to 16 sources. */
const MAX_WORK = 2 ** 24;
const MAX_PERIOD = 2 ** 20;
export const MAX_SOURCES = 256;

/**
 * Draws from the source that is furthest behind its share: the largest weight x index - drawn, the first of equals. With whole
 * weights this repeats after their sum, with every source drawn exactly as often as its weight, so one period in a table (at most
 * 5 MB) answers for any index. Weights that are not whole, or too large, are rounded to shares of a period of about a million; none to 0.
 */
export function mixtureSchedule(weights: readonly number[]): MixtureSchedule {
  if (weights.length === 0 || weights.length > MAX_SOURCES || !weights.every((weight) => Number.isFinite(weight) && weight > 0)) {
    throw new RangeError(`a mixture has 1 to ${MAX_SOURCES} sources with weights above 0, got ${weights.join(", ")}`);
  }
  const whole = wholeWeights(weights);
  const period = whole.reduce((sum, weight) => sum + weight, 0);
  const sourceAt = new Uint8Array(period);
  /** how often the source at this place was drawn before it in the period */
  const drawnBefore = new Uint32Array(period);
  const drawn = new Uint32Array(whole.length);
  const behind = new Float64Array(whole.length); // weight x index - period x drawn; integers below 2^53
  for (let at = 0; at < period; at++) {
    let furthest = 0;
    for (let source = 0; source < whole.length; source++) {
      behind[source] += whole[source];
      if (behind[source] > behind[furthest]) furthest = source;
    }
    behind[furthest] -= period;
    sourceAt[at] = furthest;
    drawnBefore[at] = drawn[furthest]++;
  }
  return {
    draw(index) {
      const at = Number(index % BigInt(period));
      const source = sourceAt[at];
      return { source, sequence: (index / BigInt(period)) * BigInt(whole[source]) + BigInt(drawnBefore[at]) };
    },
  };
}

function wholeWeights(weights: readonly number[]): number[] {
  const limit = Math.min(MAX_PERIOD, Math.floor(MAX_WORK / weights.length));
  if (weights.every(Number.isSafeInteger)) {
    const divisor = weights.reduce(greatestCommonDivisor);
    const reduced = weights.map((weight) => weight / divisor);
    if (reduced.reduce((sum, weight) => sum + weight, 0) <= limit) return reduced;
  }
  const largest = Math.max(...weights); // first, so that the sum cannot overflow
  const total = weights.reduce((sum, weight) => sum + weight / largest, 0);
  const rounded = weights.map((weight) => Math.max(1, Math.round((weight / largest / total) * (limit - weights.length))));
  const divisor = rounded.reduce(greatestCommonDivisor);
  return rounded.map((weight) => weight / divisor);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
