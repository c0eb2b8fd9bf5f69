/** How many passed: the last line of `npm test`, `npm run e2e` and `.ci/run`, which adds the two up. */
import { writeFileSync } from "node:fs";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Set by `.ci/run`: where a half leaves its counts as JSON instead of printing the line, of which there is to be one. */
export const COUNTS_FILE = "STARLING_COUNTS_FILE";

export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Says how long it took and what came of it, and ends the process: with 0 only when something passed and nothing failed. */
export function conclude(counts: Counts, startedMs: number): never {
  console.log(`took ${((performance.now() - startedMs) / 60_000).toFixed(1)} minutes`);
  const file = process.env[COUNTS_FILE];
  if (file) writeFileSync(file, JSON.stringify(counts));
  else console.log(countsLine(counts));
  process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
}
