import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "./pace.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first wish at once, then one an interval, and the last is never lost", () => {
  const runs: number[] = [];
  const pace = new Pace(100, () => runs.push(Date.now()));
  const began = Date.now();
  for (let i = 0; i < 50; i++) {
    pace.want();
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(1_000);
  expect(runs[0]).toBe(began);
  for (let i = 1; i < runs.length; i++) expect(runs[i]! - runs[i - 1]!).toBeGreaterThanOrEqual(100);
  // the wish at 490 ms is served
  expect(runs.at(-1)! - began).toBeGreaterThanOrEqual(490);
  expect(runs.length).toBeLessThanOrEqual(7);
});

test("stopped, it runs no more and leaves no timer", () => {
  const run = vi.fn();
  const pace = new Pace(100, run);
  pace.want();
  pace.want();
  pace.stop();
  vi.advanceTimersByTime(1_000);
  expect(run).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});
