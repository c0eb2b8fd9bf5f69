import { describe, expect, test } from "vitest";
import { generateKeypair, verifySignature } from "./keys.ts";
import { openRequest, ReplayGuard, RequestSealer, sealRequest } from "./signed.ts";

const signer = generateKeypair(new Uint8Array(32).fill(7));
const audience = { domain: "coordinator", runId: "run-1" };
const body = Uint8Array.of(1, 2, 3);
const seal = (sequence: number, timestampMs = 1_000_000): Promise<Uint8Array> =>
  sealRequest({ ...audience, signer, method: "join", sequence, timestampMs, body });

describe("signed requests", () => {
  test("what was sealed comes out", async () => {
    expect(openRequest(await seal(5), audience)).toEqual({
      sender: signer.publicKey,
      method: "join",
      sequence: 5,
      timestampMs: 1_000_000,
      body,
    });
  });

  test("no byte can be changed, removed or added", async () => {
    const sealed = await seal(5);
    for (let at = 0; at < sealed.byteLength; at++) {
      const changed = sealed.slice();
      changed[at] ^= 1 << (at % 8);
      expect(() => openRequest(changed, audience), `byte ${at}`).toThrow(/./);
    }
    for (let length = 0; length < sealed.byteLength; length++) {
      expect(() => openRequest(sealed.subarray(0, length), audience), `length ${length}`).toThrow(/./);
    }
    expect(() => openRequest(Uint8Array.of(...sealed, 0), audience)).toThrow(/signature/);
  });

  test.each([
    ["another domain", { domain: "data", runId: "run-1" }, "wrong-audience"],
    ["another run", { domain: "coordinator", runId: "run-2" }, "wrong-audience"],
    ["a boundary moved between the names", { domain: "coordinatorr", runId: "un-1" }, "wrong-audience"],
  ])("%s is refused", async (_name, other, code) => {
    const sealed = await seal(5);
    expect(() => openRequest(sealed, other)).toThrow(expect.objectContaining({ code }));
  });

  test("another sender's signature is refused", async () => {
    const sealed = await seal(5);
    const other = await sealRequest({
      ...audience,
      signer: generateKeypair(new Uint8Array(32).fill(8)),
      method: "join",
      sequence: 5,
      timestampMs: 1_000_000,
      body,
    });
    const mixed = Uint8Array.of(...other.subarray(0, 64), ...sealed.subarray(64));
    expect(() => openRequest(mixed, audience)).toThrow(expect.objectContaining({ code: "bad-signature" }));
  });

  test("a signature made by WebCrypto verifies, and ours verifies there", async () => {
    const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const sign = async (bytes: Uint8Array): Promise<Uint8Array> =>
      new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, bytes.slice()));
    const sealed = await sealRequest({ ...audience, signer: { publicKey, sign }, method: "join", sequence: 1, timestampMs: 1, body });
    expect(openRequest(sealed, audience).sender).toEqual(publicKey);
    const ours = await crypto.subtle.importKey("raw", signer.publicKey.slice(), "Ed25519", true, ["verify"]);
    expect(await crypto.subtle.verify("Ed25519", ours, signer.sign(body).slice(), body)).toBe(true);
  });

  test("malformed keys and signatures are false, not exceptions", () => {
    const signature = signer.sign(body);
    expect(verifySignature(signer.publicKey, body, signature)).toBe(true);
    expect(verifySignature(signer.publicKey.subarray(1), body, signature)).toBe(false);
    expect(verifySignature(signer.publicKey, body, signature.subarray(1))).toBe(false);
    expect(verifySignature(new Uint8Array(32).fill(255), body, signature)).toBe(false);
    // The neutral point as key and R with s = 0 satisfies the plain equation for every message.
    const neutral = Uint8Array.of(1, ...new Uint8Array(31));
    expect(verifySignature(neutral, body, Uint8Array.of(...neutral, ...new Uint8Array(32)))).toBe(false);
  });
});

describe("replay protection", () => {
  const at = async (sequence: number, timestampMs = 1_000_000) => openRequest(await seal(sequence, timestampMs), audience);

  test("each sequence is accepted once, also out of order within the window", async () => {
    const guard = new ReplayGuard();
    const accept = async (sequence: number): Promise<string> => {
      try {
        guard.accept(await at(sequence), 1_000_000);
        return "ok";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const table: [number, string][] = [
      [100, "ok"],
      [100, "replayed"],
      [102, "ok"],
      [101, "ok"],
      [101, "replayed"],
      [39, "ok"],
      [38, "replayed"],
      [1000, "ok"],
      [937, "ok"],
      [936, "replayed"],
      [102, "replayed"],
    ];
    for (const [sequence, expected] of table) expect([sequence, await accept(sequence)]).toEqual([sequence, expected]);
  });

  test("a clock too far away either way is stale", async () => {
    const guard = new ReplayGuard({ maxSkewMs: 1000 });
    const request = await at(1);
    for (const nowMs of [998_999, 1_001_001]) {
      expect(() => guard.accept(request, nowMs)).toThrow(expect.objectContaining({ code: "stale" }));
    }
    guard.accept(request, 1_001_000);
  });

  test("the table of senders is bounded, and forgetting never lets a replay in", async () => {
    const guard = new ReplayGuard({ maxSkewMs: 1000, maxSenders: 2 });
    const from = (index: number, timestampMs: number) => ({
      sender: new Uint8Array(32).fill(index),
      method: "m",
      sequence: 1,
      timestampMs,
      body,
    });
    guard.accept(from(1, 0), 0);
    guard.accept(from(2, 500), 500);
    expect(() => guard.accept(from(3, 900), 900)).toThrow(expect.objectContaining({ code: "overloaded" }));
    expect(() => guard.accept(from(1, 0), 1000)).toThrow(expect.objectContaining({ code: "replayed" }));
    guard.accept(from(3, 1100), 1100);
    expect(() => guard.accept(from(1, 0), 1100)).toThrow(expect.objectContaining({ code: "stale" }));
  });

  test("a sealer's requests pass in any order of arrival, also after a restart in the same millisecond's wake", async () => {
    const guard = new ReplayGuard();
    let nowMs = 5_000;
    const first = new RequestSealer({ ...audience, signer, now: () => nowMs });
    const sealed = await Promise.all([first.seal("a", body), first.seal("b", body), first.seal("c", body)]);
    for (const one of sealed.reverse()) guard.accept(openRequest(one, audience), nowMs);
    nowMs += 1;
    const second = new RequestSealer({ ...audience, signer, now: () => nowMs });
    guard.accept(openRequest(await second.seal("a", body), audience), nowMs);
  });
});
