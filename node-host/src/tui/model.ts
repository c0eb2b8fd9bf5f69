/** What the display knows of a run: a pure function of the events told so far. Nothing here draws, waits or reads a clock. */
import type { HostEvent } from "../events.ts";
import type { LogLevel } from "../platform/logLevel.ts";
import { addPoint, emptySeries, type Point, type Series } from "./series.ts";
import { onNodeEvent, freshNode, type NodeView } from "./node.ts";
import { printable } from "./text.ts";

export type ViewKind = "testnet" | "server" | "client";

export type TuiInput =
  | { type: "event"; node: string; event: HostEvent; atMs: number }
  | { type: "line"; level: LogLevel; text: string; atMs: number }
  /** a child process of the testnet */
  | { type: "process"; node: string; state: ProcessState; pid: number | null; why: string | null; atMs: number }
  /** where the files are, how one more client joins */
  | { type: "about"; folder: string | null; join: string | null }
  /** what the command does about being told to end */
  | { type: "stopping"; doing: string };

/** Inputs as those hand them in who leave the time to the display. */
export type Untimed<T> = T extends unknown ? Omit<T, "atMs"> : never;

export type ProcessState = "starting" | "ended" | "restarting" | "given-up";

export interface LogLine {
  atMs: number;
  level: LogLevel;
  text: string;
}

/** What was trained in one round, by everybody who told us. */
export interface RoundFact {
  step: number;
  startedAtMs: number;
  tokens: number;
  /** of the clients that told */
  trainMs: readonly number[];
  losses: readonly number[];
  /** set when the next one began */
  endedAtMs: number | null;
}

export type Phase = Extract<HostEvent, { type: "phase" }>;
export type Votes = Extract<HostEvent, { type: "votes" }>;
export type Roster = Extract<HostEvent, { type: "roster" }>;

export interface Model {
  kind: ViewKind;
  runId: string | null;
  parameters: number | null;
  /** of the coordinator for server and testnet, of the client itself for a client */
  address: string | null;
  folder: string | null;
  join: string | null;
  phase: Phase | null;
  /** newest last */
  rounds: readonly RoundFact[];
  loss: Series;
  heldOut: readonly Point[];
  /** what the model wrote last */
  sample: { step: number; text: string } | null;
  /** last results of tasks by name */
  tasks: Readonly<Record<string, { accNorm: number; asked: number; total: number }>>;
  roundSeconds: Series;
  tokens: number;
  trainedRounds: number;
  nodes: Readonly<Record<string, NodeView>>;
  /** node names by the first 8 hex digits of the peer id */
  names: Readonly<Record<string, string>>;
  votes: Votes | null;
  roster: Roster | null;
  checkpoint: { path: string; step: number; agreed: boolean; atMs: number } | null;
  agreed: { epoch: number; step: number; parameterHash: string } | null;
  log: readonly LogLine[];
  /** warnings and errors of the whole run, for those who look later */
  troubles: readonly LogLine[];
  /** what the process does about being told to end */
  stopping: string | null;
}

const KEPT_LOG_LINES = 1000;
const KEPT_TROUBLES = 200;
const KEPT_ROUNDS = 64;
const KEPT_HELD_OUT = 512;
/** a client alone is its own only node */
export const SELF = "client";
export const SERVER = "server";

export function freshModel(kind: ViewKind): Model {
  return {
    kind,
    runId: null,
    parameters: null,
    address: null,
    folder: null,
    join: null,
    phase: null,
    rounds: [],
    loss: emptySeries,
    heldOut: [],
    sample: null,
    tasks: {},
    roundSeconds: emptySeries,
    tokens: 0,
    trainedRounds: 0,
    nodes: {},
    names: {},
    votes: null,
    roster: null,
    checkpoint: null,
    agreed: null,
    log: [],
    troubles: [],
    stopping: null,
  };
}

export function reduce(model: Model, input: TuiInput): Model {
  switch (input.type) {
    case "line":
      return onLine(model, { atMs: input.atMs, level: input.level, text: printable(input.text) });
    case "stopping":
      return { ...model, stopping: input.doing };
    case "about":
      return { ...model, folder: input.folder, join: input.join };
    case "process": {
      const node = model.nodes[input.node] ?? freshNode(input.node);
      const started = input.state === "starting";
      // what an earlier process of that name was doing does not count any more
      const next: NodeView = {
        ...(started ? freshNode(input.node) : node),
        lastLoss: node.lastLoss,
        saved: node.saved,
        process: input.state === "starting" ? "running" : input.state,
        pid: started ? input.pid : null,
        restarts: node.restarts + (started && node.process !== null ? 1 : 0),
        stage: started ? "starts" : (input.why ?? input.state),
        health: started ? "busy" : input.state === "restarting" ? "warn" : "bad",
      };
      return { ...model, nodes: { ...model.nodes, [input.node]: next } };
    }
    case "event":
      return onEvent(model, input.node, input.event, input.atMs);
  }
  input satisfies never;
}

function onLine(model: Model, line: LogLine): Model {
  const isTrouble = line.level === "warn" || line.level === "error";
  return {
    ...model,
    log: newest(model.log, line, KEPT_LOG_LINES),
    troubles: isTrouble ? newest(model.troubles, line, KEPT_TROUBLES) : model.troubles,
  };
}

function onEvent(before: Model, node: string, event: HostEvent, atMs: number): Model {
  const model = onRunEvent(before, node, event, atMs);
  const view = onNodeEvent(model.nodes[node] ?? freshNode(node), event, atMs);
  return view === model.nodes[node] ? model : { ...model, nodes: { ...model.nodes, [node]: view } };
}

function onRunEvent(model: Model, node: string, event: HostEvent, atMs: number): Model {
  switch (event.type) {
    case "listening":
      return { ...model, runId: event.runId, address: shortAddress(event.multiaddrs) };
    case "starting":
      return {
        ...model,
        runId: event.runId,
        parameters: event.parameters,
        address: model.kind === "client" ? shortAddress(event.multiaddrs) : model.address,
        names: { ...model.names, [event.peerId.slice(0, 8)]: node },
      };
    case "phase":
      // in a testnet the coordinator's own word counts
      return model.kind === "testnet" && node !== SERVER ? model : onPhase(model, event, atMs);
    case "votes":
      return { ...model, votes: event };
    case "roster":
      return { ...model, roster: event };
    case "held-out": {
      const point = { x: event.step, y: event.loss };
      const last = model.heldOut.at(-1);
      if (last?.x === point.x && last.y === point.y) return model;
      return { ...model, heldOut: newest(model.heldOut, point, KEPT_HELD_OUT) };
    }
    case "sample":
      return { ...model, sample: { step: event.step, text: printable(event.prompt + event.text) } };
    case "task": {
      const { accNorm, asked, total } = event;
      return { ...model, tasks: { ...model.tasks, [event.name]: { accNorm, asked, total } } };
    }
    case "saved":
      if (model.checkpoint && model.checkpoint.step > event.step) return model;
      return { ...model, checkpoint: { path: event.path, step: event.step, agreed: event.agreed, atMs } };
    case "stopping":
      return model.kind === "testnet" ? model : { ...model, stopping: event.doing };
    case "round":
      return onRoundEvent(model, event.event);
    default:
      return model;
  }
}

function onPhase(model: Model, phase: Phase, atMs: number): Model {
  const next: Model = { ...model, phase };
  if (phase.runState !== "RoundTrain" || model.rounds.at(-1)?.step === phase.step) {
    // a round is over when the next one begins, or when no further one does
    return phase.runState === "RoundTrain" || phase.runState === "RoundWitness" ? next : endRound(next, atMs);
  }
  const ended = endRound(next, atMs);
  const tokens = model.kind === "server" ? phase.roundTokens : 0;
  const began: RoundFact = { step: phase.step, startedAtMs: phase.startedAtMs, tokens, trainMs: [], losses: [], endedAtMs: null };
  return { ...ended, rounds: newest(ended.rounds, began, KEPT_ROUNDS), tokens: ended.tokens + tokens };
}

function endRound(model: Model, atMs: number): Model {
  const last = model.rounds.at(-1);
  if (!last || last.endedAtMs !== null) return model;
  const seconds = (atMs - last.startedAtMs) / 1000;
  const told = last.losses.length > 0 ? { x: last.step, y: mean(last.losses) } : null;
  return {
    ...model,
    rounds: [...model.rounds.slice(0, -1), { ...last, endedAtMs: atMs }],
    roundSeconds: addPoint(model.roundSeconds, { x: last.step, y: seconds }),
    loss: told ? addPoint(model.loss, told) : model.loss,
    trainedRounds: model.trainedRounds + (told || last.tokens > 0 ? 1 : 0),
  };
}

function onRoundEvent(model: Model, event: Extract<HostEvent, { type: "round" }>["event"]): Model {
  switch (event.type) {
    case "trained": {
      const at = model.rounds.findLastIndex((r) => r.step === event.step);
      const tokens = model.tokens + event.tokens;
      if (at < 0) return { ...model, tokens };
      const round = model.rounds[at]!;
      const updated: RoundFact = {
        ...round,
        tokens: round.tokens + event.tokens,
        trainMs: [...round.trainMs, event.trainMs],
        losses: event.loss === null ? round.losses : [...round.losses, event.loss],
      };
      return { ...model, tokens, rounds: model.rounds.with(at, updated) };
    }
    case "epochModel":
      if (model.agreed && model.agreed.epoch >= event.epoch) return model;
      return { ...model, agreed: { epoch: event.epoch, step: event.step, parameterHash: event.parameterHash } };
    default:
      return model;
  }
}

/** The loss by step, the running round included. */
export function lossPoints({ loss, rounds }: Model): Point[] {
  const open = rounds.at(-1);
  const last = open && open.endedAtMs === null && open.losses.length > 0 ? [{ x: open.step, y: mean(open.losses) }] : [];
  return [...loss.points, ...loss.rest, ...last];
}

export interface Speed {
  /** null before the second round */
  tokensPerSecond: number | null;
  /** share of the rounds' time in which the clients trained */
  efficiency: number | null;
  medianRoundMs: number | null;
  /** tokens/s by round, oldest first */
  byRound: number[];
}

/** The existing system's window: the last 16 steps. */
const SPEED_ROUNDS = 16;

export function speedOf({ rounds }: Model): Speed {
  const ended = rounds.filter((r) => r.endedAtMs !== null && r.endedAtMs > r.startedAtMs);
  const window = ended.slice(-SPEED_ROUNDS);
  const milliseconds = (r: RoundFact) => r.endedAtMs! - r.startedAtMs;
  const byRound = ended.map((r) => (r.tokens / milliseconds(r)) * 1000);
  if (window.length === 0) return { tokensPerSecond: null, efficiency: null, medianRoundMs: null, byRound };
  const total = window.reduce((sum, r) => sum + milliseconds(r), 0);
  const trained = window.filter((r) => r.trainMs.length > 0);
  const trainedTotal = trained.reduce((sum, r) => sum + milliseconds(r), 0);
  const sorted = window.map(milliseconds).sort((a, b) => a - b);
  return {
    tokensPerSecond: (window.reduce((sum, r) => sum + r.tokens, 0) / total) * 1000,
    efficiency: trainedTotal > 0 ? trained.reduce((sum, r) => sum + Math.min(mean(r.trainMs), milliseconds(r)), 0) / trainedTotal : null,
    medianRoundMs: sorted[Math.floor(sorted.length / 2)]!,
    byRound,
  };
}

/** The votes, while they are those of the phase that the run is in. */
export function votesNow({ votes, phase }: Model): Votes | null {
  const counted = phase?.runState === "RoundTrain" ? "results" : phase?.runState === "RoundWitness" ? "downloads" : null;
  return votes?.of === counted && votes.step === phase?.step ? votes : null;
}

/** The name under which a peer is known here. */
export function nameOf({ names }: Model, peer: string): string {
  return names[peer.slice(0, 8)] ?? peer.slice(0, 8);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function newest<T>(list: readonly T[], item: T, most: number): T[] {
  return [...(list.length >= most ? list.slice(list.length - most + 1) : list), item];
}

/** `HOST:PORT` of the address that other machines can dial, else of the first. */
function shortAddress(multiaddrs: readonly string[]): string | null {
  const tcp = multiaddrs.filter((address) => !address.includes("/ws"));
  const chosen = tcp.find((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address)) ?? tcp[0];
  if (chosen === undefined) return null;
  const [, version, host, , port] = chosen.split("/");
  return version === "ip6" ? `[${host}]:${port}` : `${host}:${port}`;
}
