/** What a twin reads: typed arrays of either width. */
export type Numbers = ArrayLike<number>;

/** target += addend, element by element. */
export function addInPlace(target: Float64Array, addend: Numbers): Float64Array {
  for (let i = 0; i < target.length; i++) target[i] += addend[i];
  return target;
}
