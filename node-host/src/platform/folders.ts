/** Where a host keeps what it writes. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { HostError } from "../errors.ts";

/** `.starling/RUN/TIME` below the current folder: logs, events and checkpoints of one start of one run. */
export function runFolder(runId: string, now: Date = new Date()): string {
  const time = now.toISOString().replace(/[:.]/g, "-").slice(0, 19);
  const folder = resolve(".starling", runId, time);
  makeFolder(folder);
  return folder;
}

/** Errors: HostError bad-option naming the folder and the system's reason. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new HostError("bad-option", `the folder ${folder} cannot be made: ${(cause as Error).message}`, { cause });
  }
}

export function fileIn(folder: string | undefined, name: string): string | undefined {
  return folder === undefined ? undefined : join(folder, name);
}
