/** From a node's events to one small record a round, and what happened to it between: gigabytes of events become megabytes. */
import { wentBackSentence } from "../../platform/sentences.ts";
import type { RunState } from "@starling/sdk/types";
import type { StoredEvent } from "../readEvents.ts";

/** Clients tell their peers every 2 s, every process its resources every 10 s: longer silence is a process that stood still. */
const CLIENT_SILENCE_MS = 8_000;
const SERVER_SILENCE_MS = 25_000;
const KEPT_NOTES = 10_000;
const KEPT_KINDS = 200;

/** Times in ms by the node's own clock; NaN where it did not come to that. */
export interface NodeRound {
  step: number;
  epoch: number;
  /** the coordinator said RoundTrain, RoundWitness, and what came after */
  trainPhaseMs: number;
  witnessPhaseMs: number;
  overMs: number;
  beganMs: number;
  trainedMs: number;
  /** duration */
  trainMs: number;
  announcedMs: number;
  witnessSentMs: number;
  downloadsSentMs: number;
  behindMs: number;
  /** results it applied at the beginning */
  applied: number;
  loss: number;
  tokens: number;
}

export type NoteKind =
  | "started"
  | "stopped"
  | "died"
  | "frozen"
  | "stranded"
  | "replay"
  | "restored"
  | "resync"
  | "model"
  | "epoch-lost"
  | "went-back"
  | "equivocation";

/** Something that happened to a node; `toMs` = `atMs` for a moment. */
export interface Note {
  kind: NoteKind;
  atMs: number;
  toMs: number;
  text: string;
}

export interface Kind {
  count: number;
  firstMs: number;
  lastMs: number;
  example: string;
}

export interface NodeRecord {
  node: string;
  isCoordinator: boolean;
  runId: string | null;
  firstMs: number;
  lastMs: number;
  events: number;
  starts: number;
  rounds: Map<number, NodeRound>;
  notes: Note[];
  /** warnings, errors and refusals, by what is the same in them */
  troubles: Map<string, Kind>;
  /** the agreed parameters it held at the end of an epoch */
  epochHashes: Map<number, string>;
  roundHashes: Map<number, string>;
  heldOut: { step: number; loss: number }[];
  peakRssBytes: number;
  maxLagMs: number;
}

export class NodeCollector {
  readonly record: NodeRecord;
  #runState: RunState | null = null;
  #step = -1;
  /** since the last start, it has told something at intervals */
  #beats = false;
  #stopped = false;
  #lastSeq = 0;
  /** under way; it is told over when the client has caught up */
  #replay: Note | null = null;

  constructor(node: string) {
    this.record = {
      node,
      isCoordinator: false,
      runId: null,
      firstMs: Infinity,
      lastMs: -Infinity,
      events: 0,
      starts: 0,
      rounds: new Map(),
      notes: [],
      troubles: new Map(),
      epochHashes: new Map(),
      roundHashes: new Map(),
      heldOut: [],
      peakRssBytes: 0,
      maxLagMs: 0,
    };
  }

  /** Events of one node in the order in which it wrote them. Fields may be anything: the file may come from another version. */
  add(event: StoredEvent): void {
    const { record } = this;
    const { atMs } = event;
    this.#gap(event);
    record.events++;
    record.firstMs = Math.min(record.firstMs, atMs);
    record.lastMs = Math.max(record.lastMs, atMs);
    this.#lastSeq = event.seq;
    switch (event.type) {
      case "listening":
      case "starting":
        record.isCoordinator ||= event.type === "listening";
        record.runId = event.runId;
        return;
      case "phase":
        return this.#phase(event);
      case "peers":
        this.#beats = true;
        return;
      case "resources":
        this.#beats ||= record.isCoordinator;
        record.peakRssBytes = Math.max(record.peakRssBytes, event.rssBytes);
        record.maxLagMs = Math.max(record.maxLagMs, event.lagP99Ms);
        return;
      case "held-out":
        record.heldOut.push({ step: event.step, loss: event.loss });
        return;
      case "warning":
        return this.#trouble("warning", event.message, atMs);
      case "limit":
        return this.#trouble("limit", `${event.limit} kept out ${event.who}`, atMs, event.count);
      case "events-dropped":
        return this.#trouble("events dropped", event.reason, atMs, Math.max(1, event.events));
      case "restored":
        return this.#note(
          "restored",
          atMs,
          atMs,
          `goes on in ${event.runState} of step ${event.step}; ${Math.round(event.downMs / 1000)} s away do not count`,
        );
      case "went-back":
        return this.#note("went-back", atMs, atMs, wentBackSentence(event));
      case "resumed":
        return this.#note("restored", atMs, atMs, `started from its own checkpoint of epoch ${event.epoch}`);
      case "stopped":
        this.#stopped = true;
        return this.#note("stopped", atMs, atMs, event.reason);
      case "round":
        return this.#round(event.event, atMs);
      default:
        return;
    }
  }

  /** A new start, a death before it, or a silence. */
  #gap({ atMs, seq }: StoredEvent): void {
    const { record } = this;
    const isStart = seq === 1 || seq < this.#lastSeq;
    if (isStart) {
      if (record.starts > 0 && !this.#stopped) this.#note("died", record.lastMs, atMs, "ended without a word");
      record.starts++;
      this.#note("started", atMs, atMs, record.starts === 1 ? "started" : "started again");
      this.#beats = false;
      this.#stopped = false;
      this.#runState = null;
      this.#replay = null;
      return;
    }
    const limitMs = record.isCoordinator ? SERVER_SILENCE_MS : CLIENT_SILENCE_MS;
    if (this.#beats && seq === this.#lastSeq + 1 && atMs - record.lastMs > limitMs) {
      this.#note("frozen", record.lastMs, atMs, "said nothing");
    }
  }

  #phase({ runState, epoch, step, atMs }: Extract<StoredEvent, { type: "phase" }>): void {
    if (!Number.isSafeInteger(step)) return;
    const trains = runState === "RoundTrain" || runState === "RoundWitness";
    const before = this.record.rounds.get(this.#step);
    if (before && Number.isNaN(before.overMs) && this.#runState !== null && (!trains || step !== this.#step)) before.overMs = atMs;
    this.#runState = runState;
    this.#step = step;
    if (!trains) return;
    const round = this.#roundOf(step, epoch);
    if (runState === "RoundTrain" && Number.isNaN(round.trainPhaseMs)) round.trainPhaseMs = atMs;
    if (runState === "RoundWitness" && Number.isNaN(round.witnessPhaseMs)) round.witnessPhaseMs = atMs;
  }

  #roundOf(step: number, epoch: number): NodeRound {
    let round = this.record.rounds.get(step);
    if (!round) {
      round = {
        step,
        epoch,
        trainPhaseMs: NaN,
        witnessPhaseMs: NaN,
        overMs: NaN,
        beganMs: NaN,
        trainedMs: NaN,
        trainMs: NaN,
        announcedMs: NaN,
        witnessSentMs: NaN,
        downloadsSentMs: NaN,
        behindMs: NaN,
        applied: 0,
        loss: NaN,
        tokens: 0,
      };
      this.record.rounds.set(step, round);
    }
    return round;
  }

  #round(event: Extract<StoredEvent, { type: "round" }>["event"], atMs: number): void {
    const { record } = this;
    // a round's own events come after its phase
    const known = "step" in event && Number.isSafeInteger(event.step) ? record.rounds.get(event.step) : undefined;
    switch (event.type) {
      case "roundBegan":
        if (known) {
          known.beganMs = atMs;
          known.applied = event.batches.length;
        }
        return;
      case "trained":
        if (known) {
          known.trainedMs = atMs;
          known.trainMs = event.trainMs;
          if (event.loss !== null) known.loss = event.loss;
          known.tokens += event.tokens;
        }
        return;
      case "announced":
        if (known && Number.isNaN(known.announcedMs)) known.announcedMs = atMs;
        return;
      case "witnessSent":
        if (known) known.witnessSentMs = atMs;
        return;
      case "downloadsSent":
        if (known) known.downloadsSentMs = atMs;
        return;
      case "behind":
        if (known && Number.isNaN(known.behindMs)) known.behindMs = atMs;
        return;
      case "parameterHash":
        record.roundHashes.set(event.step, event.parameterHash);
        return;
      case "epochModel":
        record.epochHashes.set(event.epoch, event.parameterHash);
        return;
      case "replay":
        this.#replay = { kind: "replay", atMs, toMs: atMs, text: `steps ${event.fromStep} to ${event.toStep}` };
        if (record.notes.length < KEPT_NOTES) record.notes.push(this.#replay);
        return;
      case "caughtUp":
        if (this.#replay) this.#replay.toMs = atMs;
        this.#replay = null;
        return;
      case "stranded":
        return this.#note("stranded", atMs, atMs, event.reason);
      case "resync":
        return this.#note("resync", atMs, atMs, `had ${event.have.slice(0, 8)}, agreed was ${event.want.slice(0, 8)}`);
      case "modelReceived":
        return this.#note("model", atMs, atMs, `${(event.sizeBytes / 2 ** 20).toFixed(1)} MiB of the model from peers`);
      case "epochLost":
        return this.#note("epoch-lost", atMs, atMs, `epoch ${event.epoch}: ${event.reason}`);
      case "equivocation":
        return this.#note(
          "equivocation",
          atMs,
          atMs,
          `client slot ${event.clientIndex} signed two results for a batch of step ${event.step}`,
        );
      case "error":
        return this.#trouble(event.action, withoutName(event.action, event.message), atMs);
      case "rejected":
        return this.#trouble("rejected", `${event.what}: ${event.reason}`, atMs);
      default:
        return;
    }
  }

  #note(kind: NoteKind, atMs: number, toMs: number, text: string): void {
    if (this.record.notes.length < KEPT_NOTES) this.record.notes.push({ kind, atMs, toMs, text });
  }

  #trouble(what: string, text: string, atMs: number, count = 1): void {
    const { troubles } = this.record;
    // numbers, keys and addresses differ from one to the next
    const key = `${what}: ${text}`
      .replace(/\b[0-9a-f]{8,}\b/g, "…")
      .replace(/\d+(\.\d+)?/g, "N")
      .slice(0, 200);
    const kind = troubles.get(key) ?? { count: 0, firstMs: atMs, lastMs: atMs, example: `${what}: ${text}`.slice(0, 300) };
    if (!troubles.has(key) && troubles.size >= KEPT_KINDS) return;
    kind.count += count;
    kind.lastMs = atMs;
    troubles.set(key, kind);
  }
}

/** A call's errors begin with its name, which the action has too. */
function withoutName(action: string, message: string): string {
  const name = `${action.replace(/^coordinator: /, "")}: `;
  return message.startsWith(name) ? message.slice(name.length) : message;
}
