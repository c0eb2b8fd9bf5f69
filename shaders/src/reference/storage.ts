import { HALF_MAX, type Overflow, type Storage } from "../kernels/storage.ts";
import type { Numbers } from "./numbers.ts";

/** What a tensor reads as after it was stored: `values` rounded to the storage's nearest, ties to even. */
export function roundToStorage(values: Numbers, storage: Storage, overflow: Overflow = "saturate"): Float64Array {
  return Float64Array.from(values, (value) => {
    const v = Math.fround(value);
    if (storage === "f32") return v;
    if (Math.abs(v) <= HALF_MAX || Number.isNaN(v)) return Math.f16round(v);
    return overflow === "saturate" ? Math.sign(v) * HALF_MAX : NaN;
  });
}

/** Halves as they lie in a `f16` or `packed` buffer; an odd last one is followed by zero bits. */
export function toHalves(values: Numbers): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(values.length / 2));
  new Float16Array(words.buffer).set(Array.from(values));
  return words;
}
