/**
 * What a `server` or `client` process tells the world: one JSON object a line with `--logs json`, a sentence with `--logs console`.
 * The local testnet reads the former from its children.
 */
import type { ClientState, RunState } from "@starling/sdk";
import type { TelemetryEvent } from "@starling/trainer-core/telemetry/events";
import type { TierFacts } from "./engine/tierFacts.ts";
import type { ChosenPrecision } from "@starling/trainer-core/train/precision";
import type { EngineMemory } from "./engine/rpc.ts";

export type HostEvent =
  /** the coordinator can be reached */
  | { type: "listening"; peerId: string; multiaddrs: string[]; runId: string }
  /** a data server can be asked; `sequences` in one pass */
  | { type: "data-listening"; peerId: string; multiaddrs: string[]; runId: string; sequences: number }
  /** sequences given to a member, from data index `start` on; the peer by the first 8 hex digits of its id */
  | { type: "data-served"; peer: string; start: string; sequences: number; bytes: number }
  /** a Solana cluster of this machine is ready; `wallets`: key files; `mint` null where none was asked for */
  | { type: "validator"; rpc: string; ws: string; programs: Record<string, string>; wallets: string[]; mint: string | null }
  /** the chain as this daemon found it: the run's account and this machine's session */
  | { type: "session"; run: string; owner: string; session: string; expiresMs: number; floatLamports: number }
  /** a client knows its run and starts its engine, which takes a while */
  | { type: "starting"; peerId: string; multiaddrs: string[]; runId: string; parameters: number }
  /**
   * `live` clients in the epoch, `pending` members of the run, `wanted` by the config to begin an epoch. The phase began at
   * `startedAtMs` and ends at `endsAtMs` at the latest, both by this process's clock; null where no time limits it.
   * `roundTokens`: what all clients together train in a round, 0 where nothing is trained.
   */
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
      startedAtMs: number;
      endsAtMs: number | null;
      roundTokens: number;
    }
  /** the coordinator's count of a round's witnesses; `missing`: who has not reported, at most 8 */
  | { type: "votes"; step: number; of: "results" | "downloads"; reported: number; elected: number; quorum: number; missing: string[] }
  /** the coordinator's clients: slots of the epoch, and members that wait for the next one. Peers by the first 8 hex digits of their id */
  | { type: "roster"; epoch: number; slots: RosterSlot[]; waiting: string[] }
  /** the process was told to end, and what it does about it now */
  | { type: "stopping"; doing: string }
  | { type: "member"; change: "joined" | "left" | "withdrawn" | "dropped" | "ejected"; client: string }
  | {
      type: "engine";
      adapter: string;
      profile: string;
      precision: ChosenPrecision;
      compileMs: number;
      parameters: number;
      memory?: EngineMemory;
      /** a client that trains a part of the model */
      matformer?: TierFacts;
    }
  | { type: "held-out"; step: number; loss: number; perplexity: number; tokens: number; parameterHash: string }
  /** how the model in training goes on after a prompt; `step` is the coordinator's */
  | { type: "sample"; step: number; prompt: string; text: string }
  /** `asked` of the `total` questions of a task, over the rounds before `step`: shares of right answers, plain and by length */
  | { type: "task"; step: number; name: string; asked: number; total: number; acc: number; accNorm: number }
  | { type: "saved"; path: string; step: number; parameterHash: string; agreed: boolean }
  /** started from its own checkpoint, which holds the agreed parameters */
  | { type: "resumed"; path: string; epoch: number; step: number; parameterHash: string }
  /** the coordinator goes on with the run it saved; the time it was away does not count */
  | { type: "restored"; epoch: number; step: number; runState: RunState; downMs: number; members: number }
  /** nobody holds the parameters agreed in `lostEpoch`: the run goes on from those of `toEpoch`, null: from its own start */
  | { type: "went-back"; lostEpoch: number; toEpoch: number | null }
  /** the coordinator went away, is still away, or is back; `reason` is empty where all is well */
  | { type: "coordinator"; connected: boolean; awayMs: number; reason: string }
  /** other members of the run that this client is connected to */
  | { type: "peers"; connected: number }
  /** every 10 s; `cpuSeconds` of all threads since the start, `lagP99Ms` of the event loop in these 10 s, `openFiles` null where unknown */
  | { type: "resources"; rssBytes: number; heapBytes: number; openFiles: number | null; cpuSeconds: number; lagP99Ms: number }
  /** bytes since the connection began, by peer (first 8 hex digits of its id) */
  | { type: "traffic"; peers: { peer: string; receivedBytes: number; sentBytes: number; rttMs: number | null }[] }
  /** a limit of the network kept something out, `count` times since it was last told; `who`: a peer or a host */
  | { type: "limit"; limit: string; who: string; count: number }
  /** Prometheus can scrape here */
  | { type: "metrics"; url: string }
  /** a full or failing disk: so many events are missing from the files of --events-dir */
  | { type: "events-dropped"; events: number; reason: string }
  | { type: "round"; event: TelemetryEvent }
  | { type: "warning"; message: string }
  | { type: "stopped"; reason: string };

export interface RosterSlot {
  client: string;
  index: number;
  state: ClientState;
  /** rounds of the epoch in which a quorum attested its batch */
  roundsTrained: number;
  /** the last rounds in a row in which none did */
  missedRounds: number;
  /** elected in the running round */
  isWitness: boolean;
}

export type HostLog = (event: HostEvent) => void;

/** Commands a parent process sends over Node's IPC channel; a terminal user has signals instead. */
export type ParentMessage = { type: "pause" } | { type: "resume" } | { type: "evaluate" } | { type: "report" } | { type: "stop" };

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
