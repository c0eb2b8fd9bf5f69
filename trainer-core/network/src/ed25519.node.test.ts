import * as crypto from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { type Ed25519, fastestEd25519, nodeEd25519, portableEd25519 } from "./ed25519.ts";
import { seededRandom } from "./random.ts";

const implementations: [string, Ed25519][] = [
  ["portable", portableEd25519],
  ["node", nodeEd25519(crypto as unknown as Parameters<typeof nodeEd25519>[0])],
];
const { Point } = ed25519;
const order = Point.Fn.ORDER;
const random = seededRandom(11);
const randomBytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random() * 256);
const little = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const big = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** A point of order 8: what is left of a random point when its prime part is gone. */
function torsionPoint(): InstanceType<typeof Point> {
  for (let y = 2n; ; y++) {
    try {
      // (L - 1)·P + P: multiplyUnsafe takes scalars below L.
      const base = Point.fromBytes(little(y), false);
      const point = base.multiplyUnsafe(order - 1n).add(base);
      if (!point.double().double().is0()) return point;
    } catch {
      // no point has this y
    }
  }
}

describe("ed25519", () => {
  test("Node uses its own", () => {
    expect(fastestEd25519).not.toBe(portableEd25519);
  });

  test("both give the key and the signature of RFC 8032, test 2", () => {
    const seed = Uint8Array.from(Buffer.from("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "hex"));
    const key = Uint8Array.from(Buffer.from("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "hex"));
    for (const [, implementation] of implementations) {
      expect(implementation.publicKey(seed)).toEqual(key);
      const signature = implementation.sign(seed, Uint8Array.of(0x72));
      expect(Buffer.from(signature).toString("hex")).toMatch(/^92a009a9f0d4cab8720e820b5f642540.*8c387b2eaeb4302aeeb00d291612bb0c00$/);
      expect(implementation.verify(key, Uint8Array.of(0x72), signature)).toBe(true);
    }
  });

  test("both accept the same signatures, honest, bent and crafted", () => {
    const cases: { what: string; valid: boolean; key: Uint8Array; bytes: Uint8Array; signature: Uint8Array }[] = [];
    const seed = randomBytes(32);
    const key = portableEd25519.publicKey(seed);
    const bytes = randomBytes(100);
    const signature = portableEd25519.sign(seed, bytes);
    const add = (what: string, valid: boolean, change: Partial<{ key: Uint8Array; bytes: Uint8Array; signature: Uint8Array }>): void => {
      cases.push({ what, valid, key, bytes, signature, ...change });
    };
    add("honest", true, {});
    for (let i = 0; i < 40; i++) {
      const at = Math.floor(random() * 64);
      const bent = signature.map((byte, j) => (j === at ? byte ^ (1 << Math.floor(random() * 8)) : byte));
      add(`bit of byte ${at}`, false, { signature: bent });
    }
    add("other bytes", false, { bytes: bytes.map((byte) => byte ^ 1) });
    add("S + L", false, { signature: join(signature.subarray(0, 32), little(big(signature.subarray(32)) + order)) });
    for (const size of [0, 31, 33]) add(`key of ${size} bytes`, false, { key: randomBytes(size) });
    for (const size of [0, 63, 65]) add(`signature of ${size} bytes`, false, { signature: randomBytes(size) });
    for (let i = 0; i < 20; i++) add("random key", false, { key: randomBytes(32) });
    // A key of small order: S = 0; valid with the cofactor for every message.
    const torsion = torsionPoint();
    for (const [name, point] of [
      ["order 8", torsion],
      ["order 4", torsion.double()],
      ["order 1", Point.ZERO],
    ] as const) {
      for (const r of [Point.ZERO, torsion]) {
        add(`key of ${name}`, false, { key: point.toBytes(), signature: join(r.toBytes(), new Uint8Array(32)) });
      }
    }
    add("y of p, not canonical", false, { key: little((1n << 255n) - 19n) });
    add("y of p + 1, not canonical", false, { key: little((1n << 255n) - 18n) });
    // A signer who adds torsion to its key or to R: valid with the cofactor, and without it in one case of eight.
    const secret = big(sha512(randomBytes(32)).subarray(0, 31));
    for (const [keyTorsion, rTorsion] of [
      [Point.ZERO, torsion],
      [torsion, Point.ZERO],
      [torsion, torsion],
    ] as const) {
      const mixed = Point.BASE.multiply(secret).add(keyTorsion);
      for (let i = 0; i < 16; i++) {
        const nonce = big(sha512(randomBytes(32)).subarray(0, 31));
        const r = Point.BASE.multiply(nonce).add(rTorsion);
        const k = big(sha512(join(r.toBytes(), mixed.toBytes(), bytes))) % order;
        const s = (nonce + k * secret) % order;
        const exact = Point.BASE.multiply(s).subtract(mixed.multiplyUnsafe(k)).equals(r);
        add("mixed torsion", exact, { key: mixed.toBytes(), signature: join(r.toBytes(), little(s)) });
      }
    }
    for (const { what, valid, key, bytes, signature } of cases) {
      for (const [name, implementation] of implementations) {
        expect(implementation.verify(key, bytes, signature), `${name}: ${what}`).toBe(valid);
      }
    }
    expect(cases.filter(({ what, valid }) => what === "mixed torsion" && valid).length).toBeGreaterThan(0);
  });
});
