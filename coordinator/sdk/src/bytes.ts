export { sha256 } from "@noble/hashes/sha2.js";
export { equalBytes } from "@starling/network/hash";
export { keyHex as toHex } from "@starling/network/port";

/** Bytes of a hexadecimal string, or null when it is not exactly `byteLength` bytes of hexadecimal. */
export function fromHex(hex: string, byteLength: number): Uint8Array | null {
  if (hex.length !== byteLength * 2 || !/^[0-9a-fA-F]*$/.test(hex)) return null;
  const bytes = new Uint8Array(byteLength);
  for (let i = 0; i < byteLength; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
