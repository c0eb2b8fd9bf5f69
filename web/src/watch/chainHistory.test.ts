import type { Address } from "@solana/kit";
import type { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { LOCAL_PROGRAMS, type RunAddresses } from "@starling/sdk/solana/pdas";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ChainHistory } from "./chainHistory.ts";
import { RunChannel } from "./channels.ts";
import type { FromWatcher } from "./protocol.ts";

const closing: AbortController[] = [];
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const one of closing.splice(0)) one.abort();
  vi.useRealTimers();
});

/** A node with that many transactions, newest first, whose signatures are their numbers. */
function follow(isTest: boolean, count: () => number) {
  const asked: { method: string; params: unknown[]; atMs: number }[] = [];
  const call = async (method: string, params: unknown[]): Promise<unknown> => {
    asked.push({ method, params, atMs: Date.now() });
    if (method === "getTransaction") return { transaction: { message: { accountKeys: ["payer"], instructions: [] } }, meta: {} };
    const { before, until, limit } = params[1] as { before?: string; until?: string; limit: number };
    const all = Array.from({ length: count() }, (_, i) => count() - i);
    return all
      .filter((one) => (before === undefined || one < Number(before)) && (until === undefined || one > Number(until)))
      .slice(0, limit)
      .map((one) => ({ signature: String(one), slot: one, blockTime: one, err: null }));
  };
  const told: FromWatcher[] = [];
  const channel = new RunChannel({ source: "localnet", runId: "a" }, (message) => told.push(message));
  const abort = new AbortController();
  closing.push(abort);
  const client = { commitment: "confirmed", pool: { call } } as unknown as ClusterClient;
  const at = { run: "run" as Address } as RunAddresses;
  const history = new ChainHistory({ client, programs: LOCAL_PROGRAMS, at, channel, isTest, signal: abort.signal });
  const reads = (): string[] => asked.filter(({ method }) => method === "getTransaction").map(({ params }) => params[0] as string);
  return { history, asked, reads, told };
}

test("a run without a transaction is asked about now and then, and its first one is found", async () => {
  let count = 0;
  const { asked, reads } = follow(true, () => count);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.length).toBeLessThanOrEqual(13);
  count = 2;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads().sort()).toEqual(["1", "2"]);
});

test("a public node is asked for a part of a long past, spread over it, at a pace that it bears; more when asked for", async () => {
  const { history, asked, reads, told } = follow(false, () => 5_000);
  await vi.advanceTimersByTimeAsync(300_000);
  const first = reads().map(Number);
  expect(new Set(first).size).toBe(first.length);
  expect(first.length).toBeLessThanOrEqual(264);
  // of the newest page: its newest, its oldest, and no wide gap
  expect(Math.max(...first)).toBe(5_000);
  const sorted = first.toSorted((a, b) => a - b);
  expect(sorted[0]).toBeLessThan(4_020);
  expect(Math.max(...sorted.slice(1).map((one, i) => one - sorted[i]!))).toBeLessThanOrEqual(16);
  for (const { atMs } of asked) expect(asked.filter((one) => one.atMs >= atMs && one.atMs < atMs + 1_000).length).toBeLessThanOrEqual(6);
  history.older();
  await vi.advanceTimersByTimeAsync(200_000);
  const second = reads().map(Number).slice(first.length);
  expect(second.every((one) => one <= 4_000 && one > 3_000)).toBe(true);
  expect(second.length).toBeGreaterThan(200);
  const info = told.findLast((message) => message.type === "history");
  expect(info).toMatchObject({ info: { isWhole: false, isLoading: false } });
});

test("what is new is read first", async () => {
  let count = 5_000;
  const { history, reads } = follow(false, () => count);
  await vi.advanceTimersByTimeAsync(5_000);
  const before = reads().length;
  count = 5_004;
  history.look();
  await vi.advanceTimersByTimeAsync(5_000);
  for (const signature of ["5001", "5002", "5003", "5004"]) expect(reads().slice(before, before + 10)).toContain(signature);
});
