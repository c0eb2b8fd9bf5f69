import { sha256 } from "@noble/hashes/sha2.js";

/** Below this, hashing here is faster than a trip to WebCrypto's thread, and it keeps simulations deterministic. */
const synchronousBytes = 16 * 1024;

/** sha256 of a leaf, `sha256(0x00, bytes)`: 32 bytes. */
export async function leafHash(bytes: Uint8Array): Promise<Uint8Array> {
  const tagged = new Uint8Array(bytes.byteLength + 1);
  tagged.set(bytes, 1);
  if (tagged.byteLength <= synchronousBytes) return sha256(tagged);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", tagged));
}

/** sha256 of an inner node, `sha256(0x01, left, right)`: 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const tagged = new Uint8Array(65);
  tagged[0] = 1;
  tagged.set(left, 1);
  tagged.set(right, 33);
  return sha256(tagged);
}

/** Root over at least one leaf hash; an odd node moves up unchanged. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? nodeHash(level[i], level[i + 1]) : level[i]);
    }
    level = above;
  }
  return level[0];
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
