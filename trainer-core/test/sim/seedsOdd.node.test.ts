import { expect, test } from "vitest";
import { runEverySecondSeed, seedCount } from "./seeds.ts";
import { scenarioOf } from "./scenarios.ts";
import { runSeed } from "./seedRun.ts";

test(`odd seeds up to ${seedCount}: no invariant is broken`, { timeout: 3_600_000 }, async () => {
  const totals = await runEverySecondSeed(1);
  console.log(totals.table());
  expect(totals.sums.epochs).toBeGreaterThanOrEqual(5 * seedCount);
});

test.each([1, 12, 55])("seed %i twice is the same run, event for event", { timeout: 900_000 }, async (seed) => {
  const [first, second] = [await runSeed(scenarioOf(seed, { epochs: 3 })), await runSeed(scenarioOf(seed, { epochs: 3 }))];
  expect(second.digest).toBe(first.digest);
  expect(first.rounds).toBeGreaterThan(0);
});
