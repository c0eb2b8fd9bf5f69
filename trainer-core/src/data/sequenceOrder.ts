import { sha256 } from "@noble/hashes/sha2.js";

/** The order in which a pass over the data visits its sequences, as in the run config. */
export type Shuffle = "DontShuffle" | { readonly Seeded: readonly number[] | Uint8Array };

/** Which sequence of the data a data index means: a function of the run config and the data's size, equal for every client. */
export interface SequenceOrder {
  /** @returns a position in [0, sequenceCount) */
  position(dataIndex: bigint): number;
}

const ROUNDS = 8;

/**
 * Index i belongs to pass floor(i / sequenceCount). Unshuffled passes are alike; each shuffled pass has its own permutation.
 *
 * The permutation is a Feistel network of 8 rounds on 2h bits, 4^h >= sequenceCount, walked until it lands inside the range (under
 * 4 steps expected). Its round keys are the 8 big-endian words of sha256("starling shuffle" || seed || pass as u64 LE), its round
 * function murmur3's finalizer. So it needs no memory, whatever the size of the data, and an index costs microseconds; a
 * Fisher-Yates shuffle of a billion sequences would hold 8 GB in every client.
 */
export function sequenceOrder(sequenceCount: number, shuffle: Shuffle): SequenceOrder {
  const count = BigInt(sequenceCount);
  if (shuffle === "DontShuffle") return { position: (dataIndex) => Number(dataIndex % count) };

  const halfBits = Math.ceil(BigInt(sequenceCount - 1).toString(2).length / 2);
  const halfMask = 2 ** halfBits - 1; // at most 27 bits: a count is below 2^53
  const halfSize = 2 ** halfBits;
  let keysPass = -1n;
  let keys = new Uint32Array(ROUNDS);

  const permute = (position: number): number => {
    let left = Math.floor(position / halfSize);
    let right = position % halfSize;
    for (let round = 0; round < ROUNDS; round++) {
      const mixed = left ^ (murmurFinalizer(right ^ keys[round]) & halfMask);
      left = right;
      right = mixed;
    }
    return left * halfSize + right;
  };

  return {
    position(dataIndex) {
      const pass = dataIndex / count;
      if (pass !== keysPass) {
        keys = roundKeys(Uint8Array.from(shuffle.Seeded), pass);
        keysPass = pass;
      }
      let position = permute(Number(dataIndex % count));
      while (position >= sequenceCount) position = permute(position);
      return position;
    },
  };
}

function roundKeys(seed: Uint8Array, pass: bigint): Uint32Array<ArrayBuffer> {
  const tag = new TextEncoder().encode("starling shuffle");
  const message = new Uint8Array(tag.length + seed.length + 8);
  message.set(tag);
  message.set(seed, tag.length);
  new DataView(message.buffer).setBigUint64(tag.length + seed.length, pass, true);
  const digest = new DataView(sha256(message).buffer);
  return Uint32Array.from({ length: ROUNDS }, (_, i) => digest.getUint32(i * 4));
}

function murmurFinalizer(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
