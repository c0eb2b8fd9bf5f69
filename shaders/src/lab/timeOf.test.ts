import { expect, test } from "vitest";
import { timeOf } from "./timeOf.ts";

/** An adapter whose answers are asked for once a millisecond. */
function adapter(msEach: number, compileMs = 0) {
  const asked: number[] = [];
  const run = async (times: number) => {
    asked.push(times);
    return Math.ceil(times * msEach + (asked.length === 1 ? compileMs : 0) + 0.3);
  };
  return { asked, run };
}

test("tells products apart that a GPU makes faster than it answers", async () => {
  // alone, each of them takes a millisecond
  const [slow, fast] = [adapter(0.06), adapter(0.05, 300)];
  expect(await fast.run(1).then(() => fast.run(1))).toBe(await slow.run(1));
  const [a, b] = [await timeOf(slow.run, 3), await timeOf(fast.run, 3)];
  expect(a).toBeGreaterThan(b);
  expect(a).toBeCloseTo(0.06, 1);
});

test("a slow one runs no more often than it is timed, one that takes no time ends too", async () => {
  const software = adapter(50, 2000);
  expect(await timeOf(software.run, 3)).toBe(51);
  expect(software.asked).toEqual([1, 1, 1, 1]);
  const nothing = adapter(0);
  expect(await timeOf(nothing.run, 2)).toBeLessThan(0.01);
  expect(nothing.asked.at(-1)).toBe(1024);
  expect(nothing.asked.length).toBeLessThan(12);
});
