import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { keyHex } from "./port.ts";

/**
 * ed25519 in two implementations that agree on every input: Node's own (about 15 times as fast), or pure JavaScript where
 * there is no Node. Both are synchronous: in the simulator WebCrypto's threads would make the order of events depend on the
 * machine, and what the two accept decides what is applied.
 *
 * A signature (R, S) of A over M is valid iff A is the canonical encoding of a point that is not of small order, S < L, and
 * the encoding of S·B - k·A with k = sha512(R, A, M) is R: RFC 8032 without the cofactor, as OpenSSL does it. With the
 * cofactor, as libraries differ on it, a signer could make signatures that some accept and others do not.
 */
export interface Ed25519 {
  publicKey(seed: Uint8Array): Uint8Array;
  /** 64 bytes */
  sign(seed: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** Never throws. */
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}

const { Point } = ed25519;

/** The point of a key that may sign, or null. */
function pointOf(publicKey: Uint8Array): InstanceType<typeof Point> | null {
  if (publicKey.byteLength !== 32) return null;
  try {
    const point = Point.fromBytes(publicKey, false);
    return point.isSmallOrder() ? null : point;
  } catch {
    return null;
  }
}

export const portableEd25519: Ed25519 = {
  publicKey: (seed) => ed25519.getPublicKey(seed),
  sign: (seed, bytes) => ed25519.sign(bytes, seed),
  verify(publicKey, bytes, signature) {
    const point = pointOf(publicKey);
    if (point === null || signature.byteLength !== 64) return false;
    const s = littleEndian(signature.subarray(32));
    if (s >= Point.Fn.ORDER) return false;
    const hash = sha512.create().update(signature.subarray(0, 32)).update(publicKey).update(bytes).digest();
    const k = littleEndian(hash) % Point.Fn.ORDER;
    const r = Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes();
    return r.every((byte, i) => byte === signature[i]);
  },
};

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${keyHex(bytes.toReversed())}`);
}

/** What is used of `node:crypto`. */
interface NodeCrypto {
  createPublicKey(key: { key: Uint8Array; format: "der"; type: "spki" }): object;
  createPrivateKey(key: { key: Uint8Array; format: "der"; type: "pkcs8" }): object;
  sign(algorithm: null, bytes: Uint8Array, key: object): Uint8Array;
  verify(algorithm: null, bytes: Uint8Array, key: object, signature: Uint8Array): boolean;
}

/** DER of what stands before the 32 bytes of a key, RFC 8410. */
const spkiPrefix = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const pkcs8Prefix = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
/** Keys whose check and parsing are remembered: all members of a large run. */
const maxKeys = 1024;

export function nodeEd25519(crypto: NodeCrypto): Ed25519 {
  const publicKeys = new Map<string, object | null>();
  const privateKeys = new Map<string, object>();
  const remembered = <T>(keys: Map<string, T>, key: Uint8Array, parse: () => T): T => {
    const hex = keyHex(key);
    let parsed = keys.get(hex);
    if (parsed === undefined) {
      parsed = parse();
      if (keys.size >= maxKeys) keys.delete(keys.keys().next().value!);
      keys.set(hex, parsed);
    }
    return parsed;
  };
  return {
    publicKey: portableEd25519.publicKey,
    sign(seed, bytes) {
      const key = remembered(privateKeys, seed, () =>
        crypto.createPrivateKey({ key: joined(pkcs8Prefix, seed), format: "der", type: "pkcs8" }),
      );
      return new Uint8Array(crypto.sign(null, bytes, key));
    },
    verify(publicKey, bytes, signature) {
      if (signature.byteLength !== 64) return false;
      const key = remembered(publicKeys, publicKey, () =>
        pointOf(publicKey) === null ? null : crypto.createPublicKey({ key: joined(spkiPrefix, publicKey), format: "der", type: "spki" }),
      );
      return key !== null && crypto.verify(null, bytes, key, signature);
    },
  };
}

function joined(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefix.byteLength + key.byteLength);
  bytes.set(prefix);
  bytes.set(key, prefix.byteLength);
  return bytes;
}

/** Where there is a Node, its crypto without an import that a browser's bundler would trip over. */
function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
}

const found = nodeCrypto();
export const fastestEd25519: Ed25519 = found === undefined ? portableEd25519 : nodeEd25519(found);
