/**
 * The Bloom filter of a witness message (DESIGN.md 3.3): for display and pre-filtering. It decides nothing.
 * Position k is FNV-1a 64 over the item with key k in place of the offset basis, modulo the filter's bits.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { ProtocolError } from "./errors.ts";

export const bloomBits = 4096;
const fnvPrime = 0x100000001b3n;
const mask64 = (1n << 64n) - 1n;

/** The keys of one witness in one round: u64 LE words of sha256("starling/bloom/1", seed, witness u16, half u8). */
export function bloomKeys(roundSeed: Uint8Array, witnessIndex: number): bigint[] {
  const prefix = new TextEncoder().encode("starling/bloom/1");
  const keys: bigint[] = [];
  for (let half = 0; half < 2; half++) {
    const tail = Uint8Array.of(witnessIndex & 0xff, witnessIndex >> 8, half);
    const digest = sha256.create().update(prefix).update(roundSeed).update(tail).digest();
    const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength);
    for (let word = 0; word < 4; word++) keys.push(view.getBigUint64(word * 8, true));
  }
  return keys;
}

/** One bit position for each key. */
export function bloomPositions(item: Uint8Array, keys: readonly bigint[], bits: number = bloomBits): number[] {
  return keys.map((key) => {
    let hash = key;
    for (const byte of item) hash = ((hash ^ BigInt(byte)) * fnvPrime) & mask64;
    return Number(hash % BigInt(bits));
  });
}

export class BloomFilter {
  readonly bytes: Uint8Array;
  readonly #keys: readonly bigint[];

  /** `bytes`: a received filter; its length gives the number of bits. */
  constructor(keys: readonly bigint[], bytes: Uint8Array = new Uint8Array(bloomBits / 8)) {
    if (keys.length === 0 || bytes.byteLength === 0) {
      throw new ProtocolError("bad-value", `a Bloom filter has keys and bits, got ${keys.length} keys, ${bytes.byteLength} bytes`);
    }
    this.#keys = keys;
    this.bytes = bytes;
  }

  add(item: Uint8Array): void {
    for (const bit of this.#positions(item)) this.bytes[bit >> 3] |= 1 << (bit & 7);
  }

  /** False: certainly not added. */
  has(item: Uint8Array): boolean {
    return this.#positions(item).every((bit) => ((this.bytes[bit >> 3] >> (bit & 7)) & 1) === 1);
  }

  #positions(item: Uint8Array): number[] {
    return bloomPositions(item, this.#keys, this.bytes.byteLength * 8);
  }
}
