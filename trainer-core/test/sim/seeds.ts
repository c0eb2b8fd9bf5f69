import { expect } from "vitest";
import { scenarioOf } from "./scenarios.ts";
import { runSeed } from "./seedRun.ts";
import { failureText, Totals } from "./report.ts";

/** Seeds of the suite: two files share them, so that two workers do. SIM_SEEDS=1000 looks further. */
export const seedCount = Number(process.env.SIM_SEEDS ?? 100);
export const epochsOfFew = 11;

/** Runs every second seed from `first` on. Fails with what replays the seed that broke. */
export async function runEverySecondSeed(first: number): Promise<Totals> {
  const totals = new Totals();
  for (let seed = first; seed <= seedCount; seed += 2) {
    const outcome = await runSeed(scenarioOf(seed, { epochs: epochsOfFew }));
    totals.add(outcome);
    if (outcome.violation !== null) expect.fail(failureText(outcome, { epochs: epochsOfFew }));
  }
  return totals;
}
