import { describe, expect, test } from "vitest";
import { CHAIN_LIMITS } from "../solana/limits.ts";
import { sessionNeeds, type SessionFacts } from "./session.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 1_800_000_000_500;
const peerId = new Uint8Array(32).fill(7);
const terms = { peerId, days: 30, floatLamports: 50_000_000n };
const fresh: SessionFacts = { expiresMs: NOW_MS + 29 * DAY_MS, peerId, floatLamports: 45_000_000n, keyLamports: 3_000_000n };

describe("what a session needs", () => {
  test("one that is not there is opened, until a whole second, with its float and both deposits", () => {
    const needs = sessionNeeds(null, terms, NOW_MS);
    expect(needs).toMatchObject({ type: "open", expiresMs: 1_800_000_000_000 + 30 * DAY_MS, floatLamports: 50_000_000n });
    expect(needs.type !== "nothing" && needs.costLamports - needs.floatLamports > 5_000_000n).toBe(true);
  });

  test("a good one needs nothing, down to a third of its time and a quarter of its float", () => {
    expect(sessionNeeds(fresh, terms, NOW_MS)).toEqual({ type: "nothing" });
    expect(sessionNeeds({ ...fresh, expiresMs: NOW_MS + 10 * DAY_MS + 1 }, terms, NOW_MS)).toEqual({ type: "nothing" });
    expect(sessionNeeds({ ...fresh, floatLamports: 9_500_000n }, terms, NOW_MS)).toEqual({ type: "nothing" });
  });

  test("it is renewed in time, and for another machine; what it has of its float stays", () => {
    expect(sessionNeeds({ ...fresh, expiresMs: NOW_MS + 10 * DAY_MS }, terms, NOW_MS)).toMatchObject({ type: "renew", floatLamports: 0n });
    expect(sessionNeeds({ ...fresh, peerId: new Uint8Array(32) }, terms, NOW_MS)).toMatchObject({ type: "renew", floatLamports: 0n });
    expect(sessionNeeds({ ...fresh, expiresMs: NOW_MS - 1 }, terms, NOW_MS)).toMatchObject({
      type: "renew",
      expiresMs: 1_800_000_000_000 + 30 * DAY_MS,
    });
  });

  test("a float that runs out is filled up, and the session keeps its end", () => {
    expect(sessionNeeds({ ...fresh, floatLamports: 9_499_999n }, terms, NOW_MS)).toMatchObject({
      type: "top-up",
      expiresMs: fresh.expiresMs,
      floatLamports: 50_000_000n - 12_499_999n,
    });
    const greedy = { ...terms, floatLamports: 2n * CHAIN_LIMITS.floatLamports };
    expect(sessionNeeds(null, greedy, NOW_MS)).toMatchObject({ floatLamports: CHAIN_LIMITS.floatLamports });
  });
});
