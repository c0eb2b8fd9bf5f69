import { expect, test } from "vitest";
import { MachineError } from "./machineError.ts";
import { learningRate } from "./schedule.ts";
import type { LearningRateSchedule } from "./schedule.ts";

const COSINE: LearningRateSchedule = {
  kind: "Cosine",
  base_lr: 4e-4,
  warmup_init_lr: 0,
  warmup_steps: 250,
  total_steps: 25_000,
  final_lr: 4e-5,
};

test("each kind at its corners", () => {
  expect(learningRate(COSINE, 0)).toBe(0);
  expect(learningRate(COSINE, 125)).toBe(Math.fround(2e-4));
  expect(learningRate(COSINE, 250)).toBe(Math.fround(4e-4));
  expect(learningRate(COSINE, 12_625)).toBe(Math.fround(2.2e-4));
  expect(learningRate(COSINE, 25_000)).toBe(Math.fround(4e-5));
  expect(learningRate(COSINE, 60_000)).toBe(Math.fround(4e-5));
  expect(learningRate({ ...COSINE, kind: "Linear" }, 12_625)).toBe(Math.fround(2.2e-4));
  const constant: LearningRateSchedule = { kind: "Constant", base_lr: 1e-3, warmup_init_lr: 1e-4, warmup_steps: 10 };
  expect(learningRate(constant, 5)).toBe(Math.fround(5.5e-4));
  expect(learningRate(constant, 1_000_000)).toBe(Math.fround(1e-3));
  const stable: LearningRateSchedule = {
    kind: "WarmupStableDecay",
    base_lr: 1,
    warmup_init_lr: 0,
    warmup_steps: 10,
    stable_steps: 20,
    cosine_decay_steps: 10,
    cosine_decay_final_lr: 0.5,
    linear_decay_steps: 10,
    linear_decay_final_lr: 0.25,
  };
  expect([9, 10, 29, 30, 35, 40, 45, 50, 99].map((step) => learningRate(stable, step))).toEqual(
    [0.9, 1, 1, 1, 0.75, 0.5, 0.375, 0.25, 0.25].map(Math.fround),
  );
});

test("a cold start ramps from zero", () => {
  const constant: LearningRateSchedule = { kind: "Constant", base_lr: 1, warmup_init_lr: 0, warmup_steps: 0 };
  const rates = [99, 100, 101, 103, 104, 105].map((step) => learningRate(constant, step, { startStep: 100, steps: 4 }));
  expect(rates).toEqual([1, 0, 0.25, 0.75, 1, 1]);
});

test("nonsense is refused", () => {
  expect(() => learningRate({ ...COSINE, base_lr: Number.NaN }, 1)).toThrow(/NotARate/);
  expect(() => learningRate({ ...COSINE, total_steps: 249 }, 1)).toThrow(/TotalWithinWarmup/);
  expect(() => learningRate({ ...COSINE, kind: "Exponential" } as unknown as LearningRateSchedule, 1)).toThrow(/UnknownKind/);
  expect(() => learningRate(COSINE, -1)).toThrow(MachineError);
});
