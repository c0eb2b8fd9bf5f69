import type { Address } from "@solana/kit";
import type { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { LOCAL_PROGRAMS, type RunAddresses } from "@starling/sdk/solana/pdas";
import { ChainError } from "@starling/sdk/solana/chainError";
import { wait } from "@starling/sdk/solana/wait";
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

/** of the node, until it answers */
const ANSWER_MS = 10;

/** A node with that many transactions, newest first, whose signatures are their numbers. */
function follow(isTest: boolean, count: () => number) {
  const asked: { method: string; params: unknown[]; atMs: number }[] = [];
  const failing = new Set<string>();
  const call = async (method: string, params: unknown[], signal: AbortSignal): Promise<unknown> => {
    asked.push({ method, params, atMs: Date.now() });
    await wait(ANSWER_MS, signal);
    if (failing.delete(String(params[0]))) throw new ChainError("rpc", "the node is out of order");
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
  const client = { commitment: "confirmed", pool: { call } } as unknown as ClusterClient;
  const at = { run: "run" as Address } as RunAddresses;
  const begin = (): ChainHistory => {
    const abort = new AbortController();
    closing.push(abort);
    return new ChainHistory({ client, programs: LOCAL_PROGRAMS, at, channel, isTest, signal: abort.signal });
  };
  const history = begin();
  /** as the watcher does it: what was made is stopped, and made anew on the same channel */
  const wake = (): ChainHistory => {
    closing.at(-1)!.abort();
    return begin();
  };
  const reads = (): string[] => asked.filter(({ method }) => method === "getTransaction").map(({ params }) => params[0] as string);
  const isWhole = (): boolean | undefined => told.findLast((message) => message.type === "history")?.info.isWhole;
  return { history, wake, failing, asked, reads, told, isWhole };
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

test("more new ones than a page has leave no silent hole: what is not listed is a gap, and older pages fill it first", async () => {
  let count = 500;
  const { history, reads, asked, isWhole } = follow(true, () => count);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(isWhole()).toBe(true);
  // two pages more are listed at once, though not all of them are read
  count = 2_600;
  history.look();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(isWhole()).toBe(true);
  const pages = asked.filter(({ method }) => method === "getSignaturesForAddress").map(({ params }) => params[1]);
  expect(pages).toContainEqual(expect.objectContaining({ before: "1601", until: "500" }));
  expect(pages).toContainEqual(expect.objectContaining({ before: "601", until: "500" }));
  // a thousand more than a look lists
  count = 6_600;
  history.look();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(isWhole()).toBe(false);
  const before = reads().length;
  history.older();
  await vi.advanceTimersByTimeAsync(60_000);
  const between = reads().slice(before).map(Number);
  expect(between.filter((one) => one > 2_600 && one <= 3_600).length).toBe(1_000);
  // the page was full: only an empty one after it says that nothing is left
  history.older();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(isWhole()).toBe(true);
});

test("after a sleep only what is newer is looked for; what was read stays, what waited to be read is read", async () => {
  let count = 3_000;
  const { wake, asked, reads, isWhole } = follow(false, () => count);
  await vi.advanceTimersByTimeAsync(30_000);
  const before = reads();
  const from = asked.length;
  // ten minutes later
  vi.setSystemTime(Date.now() + 600_000);
  count = 3_400;
  wake();
  await vi.advanceTimersByTimeAsync(300_000);
  const pages = asked.slice(from).filter(({ method }) => method === "getSignaturesForAddress");
  expect(pages.every(({ params }) => "until" in (params[1] as object))).toBe(true);
  const all = reads();
  // those in flight when it fell asleep are asked for again, and no other
  expect(all.length - new Set(all).size).toBeLessThanOrEqual(2);
  expect(before.length).toBeGreaterThan(50);
  expect(new Set(all.map(Number).filter((one) => one <= 3_000)).size).toBeGreaterThanOrEqual(240);
  // more than one look's worth, spread over what came meanwhile
  const news = all.map(Number).filter((one) => one > 3_000);
  expect(news.length).toBeGreaterThan(200);
  const sorted = news.toSorted((a, b) => a - b);
  expect(Math.max(...sorted.slice(1).map((one, i) => one - sorted[i]!))).toBeLessThanOrEqual(8);
  expect(isWhole()).toBe(false);
});

test("one that a node could not tell is asked for once more", async () => {
  const { failing, reads } = follow(true, () => 3);
  failing.add("2");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(reads().filter((one) => one === "2")).toHaveLength(2);
  expect(new Set(reads())).toEqual(new Set(["1", "2", "3"]));
});
