/** A process's log as sentences for people. */
import type { HostEvent, HostLog } from "../events.ts";
import { Sentences } from "./sentences.ts";

export function consoleLog(write: (line: string) => void): HostLog {
  const sentences = new Sentences();
  return (event: HostEvent) => {
    const line = sentences.of(event);
    if (line !== null) write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  };
}
