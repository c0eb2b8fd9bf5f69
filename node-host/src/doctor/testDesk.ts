/** What the tests of the checks share: a folder of their own, what to undo, and a check that is run as `doctor` runs it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRunConfig } from "@starling/config/presets.node";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { afterEach, beforeEach, expect } from "vitest";
import { runCheck, type Check, type CheckResult } from "./check.ts";
import type { Run } from "./subject.ts";

export const isRoot = process.getuid?.() === 0;
export const preset = loadRunConfig("test", "/");
export const run: Run = {
  runId: "test",
  config: preset.config,
  plan: runPlan(preset.config),
  planError: null,
  dataDirectory: preset.dataDirectory,
};
export const noRun = async () => null;

export let folder: string;
export let undo: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-doctor-"));
  undo = [];
});
afterEach(async () => {
  for (const one of undo.reverse()) await one();
  rmSync(folder, { recursive: true, force: true });
});

/** A check says what it found, and what to do unless all is well. */
export async function look(check: Check): Promise<CheckResult> {
  const result = await runCheck(check);
  expect(result.found).not.toBe("");
  if (result.status === "warn" || result.status === "fail") expect(result.remedy).toMatch(/[A-Za-z].*[.\w]$/);
  return result;
}

export function mountTmpfs(path: string, options: string): void {
  mkdirSync(path, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", path]);
  undo.push(() => execFileSync("umount", [path]));
}

export async function listenHttp(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createHttpServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
