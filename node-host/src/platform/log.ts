/** The two forms of a process's log: JSON lines for programs, sentences for people. */
import type { HostEvent, HostLog } from "../events.ts";
import { jsonLog } from "../events.ts";
import { Sentences } from "./sentences.ts";

export function createLog(form: "console" | "json"): HostLog {
  return form === "json" ? jsonLog((line) => process.stdout.write(line)) : consoleLog((line) => process.stdout.write(line));
}

export function consoleLog(write: (line: string) => void): HostLog {
  const sentences = new Sentences();
  return (event: HostEvent) => {
    const line = sentences.of(event);
    if (line !== null) write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  };
}
