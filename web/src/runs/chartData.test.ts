import { describe, expect, test } from "vitest";
import type { HistoryPoint } from "../watch/protocol.ts";
import { downsample, recentMean, seriesOf, smoothed, summaryText, tableRows } from "./chartData.ts";

const point = (step: number, loss: number | null): HistoryPoint => ({
  ...{ step, epoch: null, atMs: step, loss, tokensPerSecond: null, learningRate: null, witnesses: 1, signature: null, sampleText: null },
});

test("a series holds what is known", () => {
  expect(seriesOf([point(1, 2), point(2, null), point(3, Number.NaN), point(4, 1)], "loss")).toEqual([
    { x: 1, y: 2 },
    { x: 4, y: 1 },
  ]);
});

describe("downsampling", () => {
  const noise = Array.from({ length: 5_000 }, (_, x) => ({ x, y: Math.sin(x / 50) + ((x * 7919) % 101) / 500 }));

  test("keeps bounds, order, both ends and every extreme", () => {
    const spiky = noise.map((one, i) => (i === 1_234 ? { ...one, y: 99 } : i === 3_333 ? { ...one, y: -99 } : one));
    const small = downsample(spiky, 400);
    expect(small.length).toBeLessThanOrEqual(400);
    expect(small.length).toBeGreaterThan(300);
    expect(small[0]).toEqual(spiky[0]);
    expect(small.at(-1)).toEqual(spiky.at(-1));
    expect(small).toContainEqual(spiky[1_234]);
    expect(small).toContainEqual(spiky[3_333]);
    for (let i = 1; i < small.length; i++) expect(small[i]!.x).toBeGreaterThan(small[i - 1]!.x);
  });

  test("leaves alone what is short enough, and copes with gaps in the steps", () => {
    expect(downsample(noise.slice(0, 10), 400)).toHaveLength(10);
    const gappy = noise.map(({ x, y }) => ({ x: x < 100 ? x : x * 1_000, y }));
    const small = downsample(gappy, 100);
    expect(small.length).toBeLessThanOrEqual(100);
    expect(small.at(-1)).toEqual(gappy.at(-1));
  });
});

test("a mean follows the noise more slowly than the noise", () => {
  const series = [0, 10, 0, 10, 0, 10].map((y, x) => ({ x, y }));
  const ys = smoothed(series, 5).map(({ y }) => y);
  expect(ys[0]).toBe(0);
  expect(Math.max(...ys)).toBeLessThan(8);
  expect(smoothed([], 5)).toEqual([]);
});

test("a table's rows are spread from the newest to the oldest", () => {
  const points = Array.from({ length: 101 }, (_, step) => point(step, step));
  expect(tableRows(points, 5).map(({ step }) => step)).toEqual([100, 75, 50, 25, 0]);
  expect(tableRows(points.slice(0, 3), 5).map(({ step }) => step)).toEqual([2, 1, 0]);
});

test("the mean of the last few", () => {
  const series = [1, 2, 3, 5].map((y, x) => ({ x, y }));
  expect(recentMean(series, 2)).toBe(4);
  expect(recentMean(series, 99)).toBe(2.75);
  expect(recentMean([], 2)).toBeNull();
});

test.each([
  [[], "Loss: nothing was reported yet."],
  [[5], "Loss at step 1: 5.0."],
  [[5, 2, 3], "Loss from step 1 to 3: 5.0 at the start, 3.0 now; lowest 2.0 at step 2, highest 5.0 at step 1."],
  [[4, 4], "Loss from step 1 to 2: 4.0 at the start, 4.0 now; the same throughout."],
])("%j in words", (ys, words) => {
  const series = ys.map((y, i) => ({ x: i + 1, y }));
  expect(summaryText("Loss", series, (value) => value.toFixed(1))).toBe(words);
});
