/** Of `npm run e2e` (scripts/e2e.ts), which builds the page and finds a Chromium first. One test at a time: two cores train besides. */
import { join } from "node:path";
import { defineConfig } from "@playwright/test";
import { CHROMIUM_FLAGS } from "../src/chromium.ts";
import { REPOSITORY } from "../src/processes.ts";

const artifacts = join(REPOSITORY, "e2e/artifacts");
const report = process.env["STARLING_E2E_REPORT"];

export default defineConfig({
  testDir: ".",
  outputDir: join(artifacts, "tests"),
  workers: 1,
  retries: 0,
  forbidOnly: process.env["CI"] !== undefined,
  // stops for what hangs, not measures of speed
  timeout: 300_000,
  globalTimeout: Number(process.env["STARLING_E2E_LIMIT_MS"] ?? 0),
  expect: { timeout: 60_000 },
  reporter: [["list"], ...(report ? [["json", { outputFile: report }] as const] : [])],
  use: {
    actionTimeout: 60_000,
    navigationTimeout: 120_000,
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: { executablePath: process.env["STARLING_CHROMIUM"] ?? "/usr/bin/chromium", args: CHROMIUM_FLAGS },
  },
  projects: [
    { name: "page", testMatch: "journeys/*.spec.ts" },
    { name: "network", testMatch: "network/*.spec.ts" },
  ],
});
