/** Where a host keeps what it writes. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SERVER_KEY_FILE } from "@starling/server/serverKeyFile";
import { HostError } from "../errors.ts";
import { lockHolder } from "./lockFile.ts";

/** `.starling/RUN/TIME` below the current folder: logs, events and checkpoints of one start of one run. */
export function runFolder(runId: string, now: Date = new Date()): string {
  const time = now.toISOString().replace(/[:.]/g, "-").slice(0, 19);
  const folder = resolve(".starling", runId, time);
  makeFolder(folder);
  return folder;
}

/** The folder of an earlier start of the run: the newest one for `latest`, else the one named. Errors: HostError bad-option. */
export function earlierRunFolder(runId: string, which: string, under = ".starling"): string {
  if (which !== "latest") {
    const folder = resolve(which);
    if (existsSync(join(folder, "server.log")) || existsSync(join(folder, "checkpoints"))) return notRunning(folder, which);
    throw new HostError("bad-option", `--resume ${which}: is no folder of an earlier start; they are called ${join(under, runId)}/TIME`);
  }
  const parent = resolve(under, runId);
  const names = existsSync(parent) ? readdirSync(parent).filter((name) => /^\d{4}-/.test(name)) : [];
  const newest = names.sort().at(-1);
  if (newest === undefined) {
    throw new HostError("bad-option", `--resume latest: no earlier start of run ${runId} has files in ${parent}; start without --resume`);
  }
  return notRunning(join(parent, newest), which);
}

/** Two testnets in one folder would share identities. Errors: HostError bad-option. */
function notRunning(folder: string, which: string): string {
  const pid = lockHolder(join(folder, SERVER_KEY_FILE));
  if (pid === null) return folder;
  throw new HostError(
    "bad-option",
    `--resume ${which}: the run in ${folder} still goes on (its coordinator is process ${pid}): end it first, or name another folder`,
  );
}

/** Errors: HostError bad-option naming the folder, the option that asked for it and the system's reason. */
export function makeFolder(folder: string, option?: string): void {
  try {
    make(resolve(folder));
  } catch (cause) {
    throw new HostError("bad-option", `${named(option)}the folder ${folder} cannot be made: ${(cause as Error).message}`, { cause });
  }
}

/** Makes the folder and writes a file in it: better to learn at the start than at the first checkpoint. Errors: HostError bad-option. */
export function makeWritableFolder(folder: string, option: string): void {
  makeFolder(folder, option);
  const probe = join(folder, `.starling-${process.pid}.probe`);
  try {
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (cause) {
    throw new HostError("bad-option", `${named(option)}nothing can be written to ${folder}: ${(cause as Error).message}`, { cause });
  }
}

/** Not `recursive`: Node loops for ever where a file system answers ENOENT for a new folder in one that exists (/proc, some automounts). */
function make(folder: string): void {
  if (existsSync(folder)) {
    if (statSync(folder).isDirectory()) return;
    throw new Error("a file is in its place");
  }
  if (dirname(folder) !== folder) make(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // another process of this run was quicker
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function named(option: string | undefined): string {
  return option === undefined ? "" : `${option}: `;
}
