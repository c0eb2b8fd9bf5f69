import type { LlamaConfig } from "@starling/config/llamaConfig";
import { elementCount, llamaParameters, type ParameterMap, type ParameterSpec } from "./parameters.ts";

/** Hugging Face's default `initializer_range`, rounded to f32. Every matrix has it, residual projections too. */
const INITIAL_STD = Math.fround(0.02);
/** A sum of 12 uniform u16 has the mean 12 * 65535 / 2 and, to one part in 10^9, the standard deviation 2^16. */
const SUM_MEAN = 393_210;
const SCALE = INITIAL_STD / 65_536; // exact: a power of two

/**
 * The starting values of all parameters, by name in canonical order: norms are 1, matrices are close to normal with standard
 * deviation 0.02 (Irwin-Hall with 12 terms, so never beyond 6 deviations). Integer arithmetic and one multiplication, hence the
 * same bits on every machine; a value depends only on (seed, tensor index, element), so that any part can be made anywhere.
 *
 * @param seed the run's seed, 0 to 2^64 - 1
 */
export function initialWeights(config: LlamaConfig, seed: bigint | number): ParameterMap {
  const weights: ParameterMap = new Map();
  for (const [tensorIndex, spec] of llamaParameters(config).entries()) {
    weights.set(spec.name, { shape: spec.shape, data: initialTensor(spec, tensorIndex, seed) });
  }
  return weights;
}

/** The starting values of one parameter; `tensorIndex` is its place in `llamaParameters`. */
export function initialTensor(spec: ParameterSpec, tensorIndex: number, seed: bigint | number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(elementCount(spec.shape));
  if (spec.shape.length === 1) return values.fill(1);
  const seed64 = BigInt.asUintN(64, BigInt(seed));
  if (seed64 !== BigInt(seed)) throw new RangeError(`seed must be 0 to 2^64 - 1, got ${seed}`);
  const seedLow = Number(seed64 & 0xffff_ffffn) | 0;
  const seedHigh = Number(seed64 >> 32n) | 0;
  for (let element = 0; element < values.length; element++) {
    const sum = sixU16(element, tensorIndex * 2, seedLow, seedHigh) + sixU16(element, tensorIndex * 2 + 1, seedLow, seedHigh);
    values[element] = (sum - SUM_MEAN) * SCALE;
  }
  return values;
}

/**
 * The sum of six u16: both halves of three of the four words of pcg4d, the counter-based generator of Jarzynski and Olano, "Hash
 * Functions for GPU Rendering", JCGT 9(3), 2020. It is u32 arithmetic only, so a shader can make the same values.
 */
function sixU16(a: number, b: number, c: number, d: number): number {
  let x = (Math.imul(a, 1664525) + 1013904223) | 0;
  let y = (Math.imul(b, 1664525) + 1013904223) | 0;
  let z = (Math.imul(c, 1664525) + 1013904223) | 0;
  let w = (Math.imul(d, 1664525) + 1013904223) | 0;
  x = (x + Math.imul(y, w)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  w = (w + Math.imul(y, z)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  w ^= w >>> 16;
  x = (x + Math.imul(y, w)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  return (x & 0xffff) + (x >>> 16) + (y & 0xffff) + (y >>> 16) + (z & 0xffff) + (z >>> 16);
}
