/** The two forms of a process's log: JSON lines for programs, sentences for people; and a copy of the former in a folder. */
import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { HostEvent, HostLog } from "../events.ts";
import { jsonLog } from "../events.ts";
import { makeFolder } from "./folders.ts";

export function createLog(form: "console" | "json", name: string, eventsDir: string | undefined): HostLog {
  const out = form === "json" ? jsonLog((line) => process.stdout.write(line)) : (event: HostEvent) => sayIfWorthIt(event);
  if (eventsDir === undefined) return out;
  makeFolder(resolve(eventsDir));
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

function sayIfWorthIt(event: HostEvent): void {
  const line = sentence(event);
  if (line !== null) process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

function sentence(event: HostEvent): string | null {
  switch (event.type) {
    case "listening":
      return `run ${event.runId}: clients join with --server-addr ${event.multiaddrs[0]}`;
    case "phase":
      return `epoch ${event.epoch} step ${event.step} ${event.runState}: ${event.live} in the epoch, ${event.pending} members`;
    case "member":
      return `${event.client} ${event.change}`;
    case "engine":
      return `${event.profile} kernels on ${event.adapter}, ${event.parameters.toLocaleString("en")} parameters, compiled in ${(event.compileMs / 1000).toFixed(1)} s`;
    case "held-out":
      return `held-out loss ${event.loss.toFixed(3)} nats/token (step ${event.step})`;
    case "saved":
      return `checkpoint ${event.path}${event.agreed ? "" : " (in the middle of an epoch: not agreed)"}`;
    case "peers":
      return `${event.connected} peers`;
    case "event-loop":
      return event.lagP99Ms > 200 ? `the event loop was held up: 99 % below ${event.lagP99Ms} ms` : null;
    case "warning":
      return `warning: ${event.message}`;
    case "stopped":
      return `stopped: ${event.reason}`;
    case "round":
      return roundSentence(event.event);
  }
}

function roundSentence(event: Extract<HostEvent, { type: "round" }>["event"]): string | null {
  switch (event.type) {
    case "trained":
      return `step ${event.step}: loss ${event.loss?.toFixed(3) ?? "-"}, ${event.tokens} tokens in ${Math.round(event.trainMs)} ms`;
    case "behind":
      return `step ${event.step}: behind, waits for ${event.missing}`;
    case "stranded":
    case "epochLost":
      return `does not train before the next epoch: ${event.reason}`;
    case "resync":
      return "has other parameters than the agreed ones and takes them from its peers";
    case "modelReceived":
      return `received the model, ${event.sizeBytes.toLocaleString("en")} bytes`;
    case "epochModel":
      return `epoch ${event.epoch} agreed on parameters ${event.parameterHash.slice(0, 16)}`;
    case "rejected":
      return `rejected ${event.what}: ${event.reason}`;
    case "error":
      return `${event.action} failed: ${event.message}`;
    default:
      return null;
  }
}
