import { generateKeypair } from "@starling/network";
import { describe, expect, it } from "vitest";
import { toHex } from "./bytes.ts";
import { CoordinatorError } from "./errors.ts";
import { verifyGrant } from "./grant.ts";
import { Identity, parseIdentity, serializeIdentity } from "./identity.ts";

const options = { chainLength: 32 };

describe("Identity", () => {
  it("has three different keys", () => {
    const { owner, session, peerId } = Identity.generate(options).membership();
    expect(new Set([owner, session, peerId].map(toHex)).size).toBe(3);
  });

  it("survives its file, and begins a fresh chain while it can still continue the old one", () => {
    const before = Identity.generate(options);
    const old = before.membership();
    const revealed = before.preimageOf(old.chainHead)!;
    const after = new Identity(parseIdentity(serializeIdentity(before.secrets())), options);
    const fresh = after.membership();
    expect(toHex(fresh.owner)).toBe(toHex(old.owner));
    expect(toHex(fresh.session)).toBe(toHex(old.session));
    expect(toHex(fresh.peerId)).toBe(toHex(old.peerId));
    expect(toHex(fresh.chainHead)).not.toBe(toHex(old.chainHead));
    expect(toHex(after.preimageOf(revealed)!)).toBe(toHex(before.preimageOf(revealed)!));
    expect(after.preimageOf(fresh.chainHead)).not.toBeNull();
    expect(after.preimageOf(new Uint8Array(32))).toBeNull();
  });

  it("keeps its chain until it begins another", () => {
    const identity = Identity.generate(options);
    expect(toHex(identity.membership().chainHead)).toBe(toHex(identity.membership().chainHead));
    expect(identity.secrets().chainsBegun).toBe(1);
    identity.beginChain();
    expect(identity.secrets().chainsBegun).toBe(2);
  });

  it("takes a session key that is held elsewhere, and then uses the seed for its chains alone", async () => {
    const before = Identity.generate(options);
    const held = generateKeypair();
    const session = { publicKey: held.publicKey, sign: async (bytes: Uint8Array) => held.sign(bytes) };
    const identity = new Identity(before.secrets(), { ...options, session });
    expect(identity.membership().session).toBe(held.publicKey);
    expect(toHex(identity.membership().chainHead)).toBe(toHex(before.membership().chainHead));
    expect((await identity.grant("a run", 1_000, 500)).session).toBe(held.publicKey);
  });

  it("grants its own session and peer", async () => {
    const identity = Identity.generate(options);
    const grant = await identity.grant("a run", 1_000, 500);
    const wanted = { session: identity.session.publicKey, peerId: identity.peer.publicKey, runId: "a run", nowMs: 1_499 };
    verifyGrant(grant, wanted);
    expect(() => verifyGrant(grant, { ...wanted, nowMs: 1_500 })).toThrow(/expired/);
    expect(() => verifyGrant(grant, { ...wanted, runId: "b run" })).toThrow(/serves b run/);
  });

  it.each([
    ["not JSON", "{"],
    ["not an object", "3"],
    ["of another version", '{"version": 2}'],
    ["short of a seed", '{"version": 1, "ownerSeed": "00"}'],
    ["without a count", serializeIdentity(Identity.generate(options).secrets()).replace('"chainsBegun": 0', '"chainsBegun": -1')],
  ])("refuses a file that is %s, without repeating it", (_, text) => {
    expect(() => parseIdentity(text)).toThrow(CoordinatorError);
  });
});
