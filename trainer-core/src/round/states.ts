/** What a round client knows. Everything that decides is here; bytes of results and models stay in the blob store. */
import type { BlobAddress } from "@starling/network/blobAddress";
import type { BatchAssignment, CoordinatorState, Elected, PeerAddress, WitnessEntry } from "@starling/sdk/types";
import type { Announce, ListEntries, WitnessList } from "../protocol/messages.ts";
import type { agreedResults, AgreedResult } from "./agreement.ts";
import type { EngineJob } from "./effects.ts";

/** What does not change while a client lives. */
export interface Rules {
  runId: string;
  /** (32) our session and peer id keys */
  session: Uint8Array;
  peer: Uint8Array;
  pipeline: "overlapped" | "sync";
  /** f32 learning rate of a step; `coldStartStep`: first step of an epoch that warms up again, else null */
  learningRate: (step: number, coldStartStep: number | null) => number;
  maxPayloadBytes: number;
  /** hash the parameters in every round, not only in the last one of an epoch */
  hashEveryRound: boolean;
  /** Which results a round applies. Replaced only by tests that plant a fault in it. */
  agree: typeof agreedResults;
}

/** A witness's entry in the round's record. */
export interface PlanWitness extends WitnessEntry {
  /** hex of `listRoot` */
  root: string;
}

/** A round as the coordinator has it, with who trains and who witnesses. */
export interface RoundPlan {
  step: number;
  height: number;
  drain: boolean;
  /** coordinator's clock, ms */
  startedMs: number;
  /** by batch; empty in drain rounds */
  assignments: readonly BatchAssignment[];
  elected: readonly Elected[];
  /** witnesses that make a majority of two thirds of those elected */
  quorum: number;
  witnesses: readonly PlanWitness[];
}

/** A snapshot, decoded. */
export interface CoordinatorView {
  nonce: bigint;
  state: CoordinatorState;
  /** oldest first, at most four */
  plans: readonly RoundPlan[];
  members: readonly PeerAddress[];
  coordinatorNowMs: number;
}

/** The epoch this client is a member of. */
export interface EpochInfo {
  /** epoch number and start: a failed warm-up starts the same number again */
  id: string;
  number: number;
  startStep: number;
  coldStart: boolean;
  /** hex of the parameter hash that every member starts from */
  startHash: string;
  /** our slot */
  self: number;
  /** peer id keys by slot */
  peers: readonly Uint8Array[];
}

export type Stage =
  /** The engine's first parameters are being hashed and put up for others. */
  | { name: "starting" }
  /** Not in an epoch. */
  | { name: "waiting" }
  /** Warm-up: bringing the agreed parameters here. */
  | { name: "preparing" }
  /** Warm-up: everything is here, and the coordinator is told so. */
  | { name: "ready" }
  /** `nextStep`: the first round that has not begun here yet. */
  | { name: "training"; nextStep: number }
  /** A member that does not train before the next epoch. */
  | { name: "stranded"; reason: string }
  | { name: "left" };

/** Something that may fail and is tried again. */
export interface Attempt {
  inFlight: boolean;
  beganAtMs: number;
  tries: number;
  retryAtMs: number;
}
export type Attempts = ReadonlyMap<string, Attempt>;

/** One announcement of a batch's result. */
export interface Candidate {
  /** hex of what its trainer signed: tells announcements apart */
  key: string;
  commitment: string;
  announce: Announce;
  /** its payload is here, and was verified */
  held: boolean;
  /** its payload does not match, or is not a result of this model; never fetched again */
  bad: boolean;
}

export interface BatchState {
  /** in order of arrival */
  candidates: readonly Candidate[];
  /** two results of one trainer: this witness vouches for neither */
  voided: boolean;
}

/** A witness list that is here. */
export interface HeldList {
  list: WitnessList;
  /** hex of each entry's commitment */
  commitments: readonly string[];
}

/** A round as this client lives it. Kept, and served to others, for `retainedRounds` rounds. */
export interface LocalRound {
  epoch: EpochInfo;
  plan: RoundPlan;
  /** the coordinator moved on: `plan.witnesses` will not change any more */
  final: boolean;
  seenAtMs: number;
  batches: ReadonlyMap<number, BatchState>;
  /** by hex of their root */
  lists: ReadonlyMap<string, HeldList>;
  /** our share of results came in at this time; null before */
  shareAtMs: number | null;
  /** what we report as a witness; does not change once it was sent for the first time */
  report: { entries: ListEntries; root: Uint8Array; bitmap: Uint8Array; parameterHash: Uint8Array } | null;
  /** our own result, and when to announce it again */
  announced: { announce: Announce; againAtMs: number; times: number } | null;
  training: "open" | "running" | "over";
  /** parameters after this round began */
  parameterHash: Uint8Array | null;
  /** final and all counted lists here */
  agreed: readonly AgreedResult[] | null;
  /** told that we are behind */
  toldBehind: boolean;
  attempts: Attempts;
}

export interface RoundState {
  rules: Rules;
  nowMs: number;
  view: CoordinatorView | null;
  /** coordinator's clock minus ours, ms */
  clockOffsetMs: number;
  /** when the present run state and step were first seen here */
  phaseSinceMs: number;
  epoch: EpochInfo | null;
  stage: Stage;
  /** the engine does one thing at a time */
  job: EngineJob | null;
  /** hex of the parameters in the engine; null = not known */
  engineHash: string | null;
  /** newest agreed parameters (at first the initial ones) that our blob store holds */
  model: { hash: string; address: BlobAddress } | null;
  initialHash: string | null;
  /** size of the model's blob; that of another's is about the same */
  modelBytes: number;
  rounds: ReadonlyMap<number, LocalRound>;
  /** announcements of a round whose start we have not seen yet */
  early: readonly Announce[];
  /** durations of the newest rounds */
  roundMs: readonly number[];
  /** slots whose equivocation we can prove, in this epoch */
  accused: ReadonlySet<number>;
  attempts: Attempts;
  stopping: { drain: boolean; step: number } | null;
}

/** Rounds kept for those who are late (DESIGN.md section 4). */
export const retainedRounds = 8;

export function initialState(rules: Rules, nowMs: number): RoundState {
  return {
    rules,
    nowMs,
    view: null,
    clockOffsetMs: 0,
    phaseSinceMs: nowMs,
    epoch: null,
    stage: { name: "starting" },
    job: null,
    engineHash: null,
    model: null,
    initialHash: null,
    modelBytes: 0,
    rounds: new Map(),
    early: [],
    roundMs: [],
    accused: new Set(),
    attempts: new Map(),
    stopping: null,
  };
}
