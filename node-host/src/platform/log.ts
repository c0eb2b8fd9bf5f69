/** The two forms of a process's log: JSON lines for programs, sentences for people; and a copy of the former in a folder. */
import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { HostEvent, HostLog } from "../events.ts";
import { jsonLog } from "../events.ts";
import { Sentences } from "./sentences.ts";
import { makeWritableFolder } from "./folders.ts";

/** Errors: HostError bad-option when `eventsDir` cannot be written to. */
export function createLog(form: "console" | "json", name: string, eventsDir: string | undefined): HostLog {
  const out = form === "json" ? jsonLog((line) => process.stdout.write(line)) : consoleLog((line) => process.stdout.write(line));
  if (eventsDir === undefined) return out;
  makeWritableFolder(resolve(eventsDir), "--events-dir");
  const file = join(resolve(eventsDir), `${name}.jsonl`);
  let complained = false;
  const copy = jsonLog((line) => {
    try {
      appendFileSync(file, line);
    } catch (error) {
      if (!complained) out({ type: "warning", message: `events are not written to ${file}: ${(error as Error).message}` });
      complained = true; // a full disk must not end a run
    }
  });
  return (event) => {
    out(event);
    copy(event);
  };
}

export function consoleLog(write: (line: string) => void): HostLog {
  const sentences = new Sentences();
  return (event: HostEvent) => {
    const line = sentences.of(event);
    if (line !== null) write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  };
}
