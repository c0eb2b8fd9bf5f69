import { RUN_STATES, type RunState } from "@starling/sdk/types";
import { expect, test } from "vitest";
import { countByFilter, progressOf, selectRuns } from "./filters.ts";
import type { RunSummary } from "./protocol.ts";

const run = (runId: string, runState: RunState, over: Partial<RunSummary> = {}): RunSummary => ({
  ...{ key: { source: "localnet", runId }, name: runId, description: "", runState, pendingPause: false, epoch: 0, step: 1, totalSteps: 10 },
  ...{ live: 0, waiting: 0, initMinClients: 1, phaseEndsMs: null, createdMs: null, loss: null, tokensPerSecond: null, earningRate: 0n },
  ...over,
});
const names = (runs: RunSummary[]): string[] => runs.map(({ name }) => name);

test("every run is in All and in exactly one other filter", () => {
  const all = RUN_STATES.map((state) => run(state, state));
  const counts = countByFilter(all);
  expect(counts.all).toBe(RUN_STATES.length);
  expect(counts.active + counts.completed + counts.paused).toBe(counts.all);
  expect(names(selectRuns(all, "completed", "name", ""))).toEqual(["Finished"]);
  expect(names(selectRuns(all, "paused", "name", ""))).toEqual(["Paused", "Uninitialized"]);
});

test("a search finds every word, anywhere", () => {
  const all = [
    run("alpha", "Warmup", { description: "a small Llama" }),
    run("beta", "Warmup", { key: { source: "devnet", runId: "b-1" } }),
  ];
  expect(names(selectRuns(all, "all", "name", "LLAMA alp"))).toEqual(["alpha"]);
  expect(names(selectRuns(all, "all", "name", "devnet"))).toEqual(["beta"]);
  expect(names(selectRuns(all, "all", "name", "b-1"))).toEqual(["beta"]);
  expect(selectRuns(all, "all", "name", "alpha devnet")).toEqual([]);
  expect(selectRuns(all, "all", "name", "  ")).toHaveLength(2);
});

test("orders", () => {
  const all = [
    run("idle", "Paused", { live: 9, createdMs: 3, step: 10 }),
    run("small", "RoundTrain", { live: 1, createdMs: 1, step: 2 }),
    run("large", "RoundTrain", { live: 5, createdMs: 2, step: 5 }),
  ];
  expect(names(selectRuns(all, "all", "activity", ""))).toEqual(["large", "small", "idle"]);
  expect(names(selectRuns(all, "all", "newest", ""))).toEqual(["idle", "large", "small"]);
  expect(names(selectRuns(all, "all", "progress", ""))).toEqual(["idle", "large", "small"]);
  expect(names(selectRuns(all, "all", "clients", ""))).toEqual(["idle", "large", "small"]);
  expect(names(selectRuns(all, "all", "name", ""))).toEqual(["idle", "large", "small"]);
});

test("progress", () => {
  expect(progressOf(run("a", "RoundTrain", { step: 1 }))).toBe(0);
  expect(progressOf(run("a", "RoundTrain", { step: 6 }))).toBe(0.5);
  expect(progressOf(run("a", "Finished", { step: 10 }))).toBe(1);
  expect(progressOf(run("a", "Uninitialized", { step: 0, totalSteps: 0 }))).toBe(0);
});
