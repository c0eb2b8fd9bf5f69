/**
 * Turns every value below 2^-125 (denormals and -0 among them) into +0, in place: what the kernels do after each stored
 * operation, and what loading must do to parameters that come from elsewhere (DESIGN.md section 4).
 */
export function canonicalise(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) if ((bits[i] & 0x7f000000) === 0) bits[i] = 0;
  return values;
}
