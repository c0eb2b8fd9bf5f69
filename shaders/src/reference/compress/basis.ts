/**
 * Fixed-point tables of c(k, i) = cos(pi (2i+1) k / 2n), with 1/sqrt2 for k = 0 and 1 for n = 1: the DCT-III basis without
 * its positive norm factors. Computed in BigInt with 128 fractional bits, because Math.cos may differ between engines and
 * every replica needs the same bits. Angles are reduced exactly before cos is taken, so zeros, symmetry and repeated values
 * are exact. Nearest, ties away from zero.
 */
const FRACTION = 128n;
const ONE = 1n << FRACTION;

function integerSquareRoot(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

function arctanInverse(x: bigint): bigint {
  let term = ONE / x;
  let sum = term;
  let k = 1n;
  while (term) {
    term = -term / (x * x);
    k += 2n;
    sum += term / k;
  }
  return sum;
}

const PI = 4n * (4n * arctanInverse(5n) - arctanInverse(239n)); // Machin
const SQRT_HALF = integerSquareRoot((ONE * ONE) / 2n);

/** cos(pi numerator / denominator) by Taylor, for angles in the first quadrant. */
function cosine(numerator: bigint, denominator: bigint): bigint {
  const x = (PI * numerator) / denominator;
  const square = (x * x) >> FRACTION;
  let term = ONE;
  let sum = ONE;
  let k = 0n;
  while (term) {
    term = -((term * square) >> FRACTION) / ((k + 1n) * (k + 2n));
    k += 2n;
    sum += term;
  }
  return sum;
}

/** cos(pi m / 2n) for m = 0..n; [n] is exactly 0, and [0] stands for k = 0. */
function quarterWave(n: number): bigint[] {
  return Array.from({ length: n + 1 }, (_, m) => {
    if (m === 0) return n === 1 ? ONE : SQRT_HALF;
    return m === n ? 0n : cosine(BigInt(m), BigInt(2 * n));
  });
}

function entry(quarter: readonly bigint[], n: number, k: number, i: number, bits: number): number {
  let negative = false;
  let value = quarter[0];
  if (k > 0) {
    let m = ((2 * i + 1) * k) % (4 * n);
    if (m > 2 * n) m = 4 * n - m;
    if (m > n) {
      m = 2 * n - m;
      negative = true;
    }
    value = m === 0 ? ONE : quarter[m];
  }
  const shift = FRACTION - BigInt(bits);
  const rounded = Number((value + (1n << (shift - 1n))) >> shift);
  return negative ? -rounded : rounded;
}

/** Rows k = 0..n-1 of i = 0..half-1, `pad` entries apart; the other half is the mirror, negated for odd k. */
export interface FixedBasis {
  n: number;
  half: number;
  pad: number;
  /** round(c * 2^30): the row pass */
  b30: Int32Array<ArrayBuffer>;
  /** round(c * 2^18) and its top bits (b18 + 16) >> 5: the column pass */
  b18: Int32Array<ArrayBuffer>;
  b13: Int32Array<ArrayBuffer>;
}

const cache = new Map<number, FixedBasis>();

export function fixedBasis(n: number): FixedBasis {
  const known = cache.get(n);
  if (known) return known;
  const half = (n + 1) >> 1;
  const pad = (half + 7) & ~7;
  const quarter = quarterWave(n);
  const basis = { n, half, pad, b30: new Int32Array(n * pad), b18: new Int32Array(n * pad), b13: new Int32Array(n * pad) };
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < half; i++) {
      const at = k * pad + i;
      basis.b30[at] = entry(quarter, n, k, i, 30);
      basis.b18[at] = entry(quarter, n, k, i, 18);
      basis.b13[at] = (basis.b18[at] + 16) >> 5;
    }
  }
  cache.set(n, basis);
  return basis;
}

/** table(k, i) for any i < n: the stored half or its mirror. */
export function basisAt(basis: FixedBasis, table: Int32Array, k: number, i: number): number {
  return i < basis.half ? table[k * basis.pad + i] : (k & 1 ? -1 : 1) * table[k * basis.pad + basis.n - 1 - i];
}

/** The orthonormal DCT-II entry C(i, k), to 31 bits: from the fixed-point table, so that it is the same everywhere too. */
export function orthonormal(basis: FixedBasis, k: number, i: number): number {
  return (basisAt(basis, basis.b30, k, i) / 2 ** 30) * (basis.n === 1 ? 1 : Math.sqrt(2 / basis.n));
}
