/**
 * What a `server` or `client` process tells the world: one JSON object a line with `--logs json`, a sentence with `--logs console`.
 * The local testnet reads the former from its children.
 */
import type { RunState } from "@starling/sdk";
import type { TelemetryEvent } from "@starling/trainer-core/telemetry/events";

export type HostEvent =
  /** the coordinator can be reached */
  | { type: "listening"; peerId: string; multiaddrs: string[]; runId: string }
  /** a client knows its run and starts its engine, which takes a while */
  | { type: "starting"; peerId: string; multiaddrs: string[]; runId: string; parameters: number }
  /** `live` clients in the epoch, `pending` members of the run, `wanted` by the config to begin an epoch */
  | {
      type: "phase";
      runState: RunState;
      epoch: number;
      step: number;
      round: number;
      epochRounds: number;
      live: number;
      pending: number;
      wanted: number;
    }
  | { type: "member"; change: "joined" | "left" | "withdrawn" | "dropped" | "ejected"; client: string }
  | { type: "engine"; adapter: string; profile: string; compileMs: number; parameters: number }
  | { type: "held-out"; step: number; loss: number; tokens: number; parameterHash: string }
  | { type: "saved"; path: string; step: number; parameterHash: string; agreed: boolean }
  /** other members of the run that this client is connected to */
  | { type: "peers"; connected: number }
  | { type: "event-loop"; lagP99Ms: number }
  | { type: "round"; event: TelemetryEvent }
  | { type: "warning"; message: string }
  | { type: "stopped"; reason: string };

export type HostLog = (event: HostEvent) => void;

/** Commands a parent process sends over Node's IPC channel; a terminal user has signals instead. */
export type ParentMessage = { type: "pause" } | { type: "evaluate" } | { type: "report" } | { type: "stop" };

const MAX_LINE_CHARACTERS = 1 << 20;

export function jsonLog(write: (line: string) => void): HostLog {
  return (event) => write(`${JSON.stringify({ atMs: Date.now(), ...event })}\n`);
}

/** Parses one line of a child; null for what is no event (a library's own print). */
export function parseEvent(line: string): HostEvent | null {
  if (line.length > MAX_LINE_CHARACTERS || !line.startsWith("{")) return null;
  try {
    const event = JSON.parse(line) as HostEvent;
    return typeof event.type === "string" ? event : null;
  } catch {
    return null;
  }
}

/** `3/16`, or `3` where only the clock ends an epoch (`epochRounds` 0). */
export function roundOf(round: number, epochRounds: number): string {
  return epochRounds > 0 ? `${round}/${epochRounds}` : String(round);
}
