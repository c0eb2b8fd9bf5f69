import { expect, test } from "vitest";
import { runEverySecondSeed, seedCount } from "./seeds.ts";

test(`even seeds up to ${seedCount}: no invariant is broken`, { timeout: 3_600_000 }, async () => {
  const totals = await runEverySecondSeed(2);
  console.log(totals.table());
  expect(totals.sums.epochs).toBeGreaterThanOrEqual(5 * seedCount);
});
