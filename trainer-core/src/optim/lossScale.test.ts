import { expect, test } from "vitest";
import {
  afterClean,
  afterOverflow,
  BATCHES_TO_DOUBLE,
  LOSS_SCALE_START,
  LossScale,
  lossScaleOf,
  START_PER_TARGET,
  type LossScaleState,
} from "./lossScale.ts";

test("the scale is a power of two, of one target's loss, whatever the batch's size", () => {
  expect(lossScaleOf(LOSS_SCALE_START, 256)).toBe(2 ** 15);
  expect(lossScaleOf(LOSS_SCALE_START, 257)).toBe(2 ** 16);
  for (const targets of [1, 3, 512, 1000, 2 ** 19]) {
    const scale = lossScaleOf(LOSS_SCALE_START, targets);
    expect(Number.isInteger(Math.log2(scale))).toBe(true);
    expect(scale / targets).toBeGreaterThanOrEqual(START_PER_TARGET);
    expect(scale / targets).toBeLessThan(2 * START_PER_TARGET);
  }
  expect(lossScaleOf({ perTarget: 2 ** -30, cleanBatches: 0 }, 256)).toBe(1);
});

test("it doubles after so many clean batches, up to a bound, and is cut faster with every run of a batch", () => {
  let state: LossScaleState = LOSS_SCALE_START;
  for (let n = 1; n < BATCHES_TO_DOUBLE; n++) state = afterClean(state);
  expect(state.perTarget).toBe(START_PER_TARGET);
  state = afterClean(state);
  expect(state).toEqual({ perTarget: 2 * START_PER_TARGET, cleanBatches: 0 });
  for (let n = 0; n < 20 * BATCHES_TO_DOUBLE; n++) state = afterClean(state);
  expect(state.perTarget).toBe(2 ** 15);
  const cut = [1, 2, 3, 4].map((run) => state.perTarget / (state = afterOverflow(state, run)).perTarget);
  expect(cut).toEqual([2, 4, 16, 256]);
  expect(afterOverflow({ perTarget: 8, cleanBatches: 7 }, 1)).toEqual({ perTarget: 4, cleanBatches: 0 });
});

/** Runs of one batch whose gradient is finite at `limit` and below. */
async function scalesTried(scale: LossScale, limit: number, lossIsFinite = true): Promise<{ tried: number[]; gradientIsFinite: boolean }> {
  const tried: number[] = [];
  const { gradientIsFinite } = await scale.run(256, async (at) => {
    tried.push(at);
    return { lossIsFinite, gradientIsFinite: at <= limit };
  });
  return { tried, gradientIsFinite };
}

test("a batch is repeated only while a smaller scale may help", async () => {
  const scale = new LossScale(true);
  expect(await scalesTried(scale, 2 ** 15)).toEqual({ tried: [2 ** 15], gradientIsFinite: true });
  expect(await scalesTried(scale, 2 ** 12)).toEqual({ tried: [2 ** 15, 2 ** 14, 2 ** 12], gradientIsFinite: true });
  expect(await scalesTried(scale, 2 ** 12)).toEqual({ tried: [2 ** 12], gradientIsFinite: true });
  // the loss itself is not finite: no scale changes that, and the scale is not to blame
  expect(await scalesTried(scale, 0, false)).toEqual({ tried: [2 ** 12], gradientIsFinite: false });
  expect(scale.of(256)).toBe(2 ** 12);
  expect(await scalesTried(scale, 0)).toEqual({ tried: [2 ** 12, 2 ** 11, 2 ** 9, 2 ** 5, 1], gradientIsFinite: false });
  // one bad batch costs those after it a half, not all of the scale
  expect(await scalesTried(scale, 2 ** 12)).toEqual({ tried: [2 ** 11], gradientIsFinite: true });
});

test("f32 has the scale 1 and never runs a batch twice", async () => {
  const scale = new LossScale(false);
  expect(await scalesTried(scale, 0)).toEqual({ tried: [1], gradientIsFinite: false });
  expect(scale.of(1e6)).toBe(1);
});
