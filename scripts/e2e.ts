/**
 * `npm run e2e`: the page in Chromium, against the real programs on a local validator and real daemons. Builds the page once, finds a
 * Chromium, runs Playwright; the journeys between two tabs run in a network namespace of their own, where the system allows one.
 * Arguments go to Playwright (`npm run e2e -- wallet`, `-- --grep "wrong network"`). Ends as `npm test` does. Artefacts: e2e/artifacts.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { findChromium } from "../e2e/src/chromium.ts";
import { inNamespace, whyNoNamespace } from "../e2e/src/ownNamespace.ts";
import { REPOSITORY } from "../e2e/src/processes.ts";
import { conclude, type Counts } from "./counts.ts";

/** of `.ci/run`'s 60 minutes; Playwright stops then and says what did not run */
const BUDGET_MS = 26 * 60_000;
/** less is not enough to start anything */
const LEAST_MS = 60_000;
const NETWORK_PROJECT = "network";

const startedMs = performance.now();
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const artifacts = join(REPOSITORY, "e2e/artifacts");

interface Report {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  errors: { message?: string }[];
}

async function playwright(project: string, filters: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const left = BUDGET_MS - (performance.now() - startedMs);
  // going on would end with the whole half stopped, its counts with it
  if (left < LEAST_MS) {
    console.log(`no time is left for ${project}`);
    total.failed++;
    return;
  }
  const report = join(artifacts, `${project}.json`);
  const args = ["test", "-c", join(REPOSITORY, "e2e/web/playwright.config.ts"), `--project=${project}`, ...filters];
  const plain = [process.execPath, join(REPOSITORY, "node_modules/@playwright/test/cli.js"), ...args];
  const [command, ...rest] = project === NETWORK_PROJECT ? inNamespace(plain) : plain;
  const child = spawn(command, rest, {
    cwd: REPOSITORY,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env, STARLING_E2E_REPORT: report, STARLING_E2E_LIMIT_MS: String(Math.round(left)) },
  });
  const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 1)));
  try {
    const { stats, errors } = JSON.parse(readFileSync(report, "utf8")) as Report;
    total.passed += stats.expected + stats.flaky;
    total.failed += stats.unexpected;
    total.skipped += stats.skipped;
    // the run itself: its time was up, a file does not load
    const isNone = errors.some(({ message }) => message?.includes("No tests found"));
    if (isNone && filters.length > 0) return;
    total.failed += errors.length;
    if (code !== 0 && stats.unexpected === 0 && errors.length === 0) total.failed++;
  } catch {
    console.log(`Playwright left no report of ${project}: it ended with ${code}`);
    total.failed++;
  }
}

try {
  const chromium = await findChromium();
  console.log(`Chromium ${chromium.version} at ${chromium.path}`);
  const page = join(REPOSITORY, "e2e/dist");
  const builtMs = performance.now();
  await build({
    configFile: join(REPOSITORY, "vite.config.ts"),
    root: join(REPOSITORY, "web"),
    logLevel: "warn",
    build: { outDir: page },
  });
  console.log(`the page was built in ${((performance.now() - builtMs) / 1000).toFixed(1)} s`);
  rmSync(artifacts, { recursive: true, force: true });
  mkdirSync(artifacts, { recursive: true });
  const env = { STARLING_CHROMIUM: chromium.path, STARLING_PAGE: page };
  const filters = process.argv.slice(2);
  await playwright("page", filters, env);
  const why = whyNoNamespace();
  if (why === null) {
    await playwright(NETWORK_PROJECT, filters, env);
  } else {
    console.log(`skip ${NETWORK_PROJECT} (tabs that exchange results directly): ${why}`);
    total.skipped++;
  }
  console.log(`screenshots, traces and reports: ${artifacts}`);
} catch (error) {
  console.log(`FAIL e2e: ${(error as Error).message}`);
  total.failed++;
}
conclude(total, startedMs);
