import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "./pace.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("at once while there is room, never more in any window, and the last wish is not lost", () => {
  const runs: number[] = [];
  const pace = new Pace(3, 1_000, () => runs.push(Date.now()));
  const began = Date.now();
  for (let i = 0; i < 500; i++) {
    pace.want();
    vi.advanceTimersByTime(10);
  }
  const lastWish = Date.now() - 10;
  vi.advanceTimersByTime(3_000);
  expect(runs.slice(0, 3).map((ms) => ms - began)).toEqual([0, 10, 20]);
  for (const ms of runs) expect(runs.filter((other) => other >= ms && other < ms + 1_000).length).toBeLessThanOrEqual(3);
  expect(runs.at(-1)!).toBeGreaterThanOrEqual(lastWish);
  expect(runs.length).toBeGreaterThanOrEqual(15);
});

test("calls keep their distance, but for an urgent one, which no bound of the window allows to be late", () => {
  const runs: number[] = [];
  const began = Date.now();
  const pace = new Pace(3, 1_000, () => runs.push(Date.now() - began), 500);
  pace.want();
  vi.advanceTimersByTime(100);
  pace.want();
  vi.advanceTimersByTime(100);
  // takes the waiting one with it
  pace.want(true);
  expect(runs).toEqual([0, 200]);
  vi.advanceTimersByTime(100);
  pace.want();
  vi.advanceTimersByTime(2_000);
  expect(runs).toEqual([0, 200, 700]);
});

test("stopped, it runs no more and leaves no timer", () => {
  const run = vi.fn();
  const pace = new Pace(1, 100, run);
  pace.want();
  pace.want();
  pace.stop();
  vi.advanceTimersByTime(1_000);
  expect(run).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});
