import { fastestEd25519 } from "./ed25519.ts";
import { NetworkError } from "./errors.ts";

/** Signs bytes. A session key in the page is a non-extractable WebCrypto key, hence the promise. */
export interface Signer {
  /** Raw ed25519, 32 bytes. */
  publicKey: Uint8Array;
  /** 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface Keypair extends Signer {
  /** The 32 secret bytes. */
  seed: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** An ed25519 key pair, from a 32-byte seed or a fresh one. */
export function generateKeypair(seed: Uint8Array = crypto.getRandomValues(new Uint8Array(32))): Keypair {
  if (seed.byteLength !== 32) {
    throw new NetworkError("malformed", `an ed25519 seed has 32 bytes, this one has ${seed.byteLength}`);
  }
  const secret = seed.slice();
  return { seed: secret, publicKey: fastestEd25519.publicKey(secret), sign: (bytes) => fastestEd25519.sign(secret, bytes) };
}

/**
 * Whether `signature` (64 bytes) is `publicKey`'s over `bytes`, by a rule on which no two clients can disagree (`ed25519.ts`).
 * Malformed input is false, never an exception.
 */
export function verifySignature(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  return fastestEd25519.verify(publicKey, bytes, signature);
}
