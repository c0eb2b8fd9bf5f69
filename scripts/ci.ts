/**
 * `.ci/run`: `npm test`, then `npm run e2e`, each within its budget. The last line, and the only one of its kind, is
 * `N passed, N failed, N skipped` over both; the exit code is 0 only when nothing failed.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COUNTS_FILE, conclude, type Counts } from "./counts.ts";

/** of 60 minutes on two cores; what is over it counts as failed */
const HALVES = [
  { script: "scripts/test.ts", name: "npm test", budgetMinutes: 32 },
  { script: "scripts/e2e.ts", name: "npm run e2e", budgetMinutes: 27 },
];
/** from being told to end to being ended */
const GRACE_MS = 15_000;

async function half(script: string, name: string, budgetMinutes: number, countsFile: string): Promise<Counts> {
  const startedMs = performance.now();
  const minutes = () => ((performance.now() - startedMs) / 60_000).toFixed(1);
  // a group of its own: what it started ends with it
  const child = spawn(process.execPath, [script], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, [COUNTS_FILE]: countsFile },
    detached: true,
  });
  const end = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // it is over
    }
  };
  let isOver = false;
  const budget = setTimeout(() => {
    isOver = true;
    end("SIGTERM");
    setTimeout(() => end("SIGKILL"), GRACE_MS).unref();
  }, budgetMinutes * 60_000);
  const stop = (): void => end("SIGTERM");
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 1)));
  clearTimeout(budget);
  process.off("SIGINT", stop).off("SIGTERM", stop);
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    counts = JSON.parse(readFileSync(countsFile, "utf8")) as Counts;
  } catch {
    console.log(`${name} left no counts: ${isOver ? "it was stopped" : `it ended with ${code}`}`);
  }
  if (isOver) console.log(`${name} was over its budget of ${budgetMinutes} minutes`);
  if ((isOver || code !== 0) && counts.failed === 0) counts.failed = 1;
  console.log(`${name}: ${minutes()} minutes of ${budgetMinutes}`);
  return counts;
}

const startedMs = performance.now();
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const folder = mkdtempSync(join(tmpdir(), "starling-ci-"));
for (const [i, { script, name, budgetMinutes }] of HALVES.entries()) {
  const counts = await half(script, name, budgetMinutes, join(folder, `${i}.json`));
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
rmSync(folder, { recursive: true, force: true });
conclude(total, startedMs);
