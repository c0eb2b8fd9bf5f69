import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ListChannel, RunChannel } from "./channels.ts";
import type { FromWatcher, HistoryPoint, RunView } from "./protocol.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const key = { source: "localnet", runId: "a" };
const view = (step: number, runState: RunView["runState"]) => ({ step, runState, epoch: 1 }) as RunView;
const point = (step: number): HistoryPoint => ({
  ...{ step, epoch: null, atMs: step, loss: 1, tokensPerSecond: null, learningRate: null, witnesses: 1, signature: null, sampleText: null },
});

test("a run that changes all the time tells at most four messages a second, the last change within a second, and every phase", () => {
  const told: [number, FromWatcher][] = [];
  const channel = new RunChannel(key, (message) => told.push([Date.now(), message]));
  const began = Date.now();
  let changedMs = began;
  for (let step = 1; step <= 500; step++) {
    vi.advanceTimersByTime(50);
    channel.setView(view(step, step % 2 === 0 ? "RoundTrain" : "RoundWitness"));
    channel.addPoints([point(step)]);
    changedMs = Date.now();
  }
  vi.advanceTimersByTime(2_000);
  for (const [atMs] of told) {
    const inSecond = told.filter(([other]) => other >= atMs && other < atMs + 1_000).length;
    expect(inSecond).toBeLessThanOrEqual(4);
  }
  const last = told.findLast(([, message]) => message.type === "run")!;
  expect(last[0] - changedMs).toBeLessThan(1_000);
  expect(last[1]).toMatchObject({ view: { step: 500 } });
  const phases = new Set(
    told.flatMap(([, message]) => (message.type === "run" ? (message.view?.phases ?? []) : [])).map(({ step }) => step),
  );
  expect(phases.size).toBe(500);
  const points = told.flatMap(([, message]) => (message.type === "history" ? message.points : []));
  expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  channel.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("a long history comes in parts", () => {
  const told: FromWatcher[] = [];
  const channel = new RunChannel(key, (message) => told.push(message));
  channel.addPoints(Array.from({ length: 4_500 }, (_, i) => point(i + 1)));
  vi.advanceTimersByTime(10_000);
  const parts = told.flatMap((message) => (message.type === "history" ? [message] : []));
  expect(parts.map(({ points }) => points.length)).toEqual([2_000, 2_000, 500]);
  expect(parts.map(({ isWhole }) => isWhole)).toEqual([true, false, false]);
  channel.stop();
});

test("a connection that stays as it is is told once: since when it is out of date does not move", () => {
  const told: FromWatcher[] = [];
  const channel = new ListChannel("localnet", (message) => told.push(message));
  channel.setConnection({ kind: "stale", sinceMs: 1, text: "gone" });
  vi.advanceTimersByTime(1_000);
  const count = told.length;
  channel.setConnection({ kind: "stale", sinceMs: 2, text: "gone" });
  vi.advanceTimersByTime(1_000);
  expect(told).toHaveLength(count);
  expect(channel.connection).toMatchObject({ sinceMs: 1 });
  channel.stop();
});
