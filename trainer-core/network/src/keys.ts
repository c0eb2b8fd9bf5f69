import { ed25519 } from "@noble/curves/ed25519.js";
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

/**
 * An ed25519 key pair, from a 32-byte seed or a fresh one. Pure JavaScript: the same in Node, in a Worker and in
 * the simulator, where WebCrypto's threads would make the order of events depend on the machine.
 */
export function generateKeypair(seed: Uint8Array = crypto.getRandomValues(new Uint8Array(32))): Keypair {
  if (seed.byteLength !== 32) {
    throw new NetworkError("malformed", `an ed25519 seed has 32 bytes, this one has ${seed.byteLength}`);
  }
  const secret = seed.slice();
  return { seed: secret, publicKey: ed25519.getPublicKey(secret), sign: (bytes) => ed25519.sign(bytes, secret) };
}

/**
 * Whether `signature` (64 bytes) is `publicKey`'s over `bytes`. Strict RFC 8032 (canonical encodings, no small-order
 * keys), so that no two clients can disagree about one signature. Malformed input is false, never an exception.
 */
export function verifySignature(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.byteLength !== 32 || signature.byteLength !== 64) return false;
  try {
    return ed25519.verify(signature, bytes, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
