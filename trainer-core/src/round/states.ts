/** What a round client knows. Everything that decides is here; bytes of results and models stay in the blob store. */
import type { BlobAddress } from "@starling/network/blobAddress";
import type { BatchAssignment, CoordinatorState, Elected, PeerAddress, WitnessEntry } from "@starling/sdk/types";
import type { Announce, ListEntries, RecordOfRound, WitnessList } from "../protocol/messages.ts";
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
  /** the engine can put the run's own initial parameters back */
  canImportStart: boolean;
  /** the host can look for parameters among its own checkpoints */
  canImportStored: boolean;
  /**
   * The engine holds a part of the model alone: it cannot hash the parameters, has no vote on their hash and no model to serve; before
   * each epoch it compares its part with the leaves of the agreed model.
   */
  holdsPart: boolean;
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
  /** (32) zero once the round is over and peers told of it */
  seed: Uint8Array;
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
  /** names it here; another epoch, also one that begins the same number again, has another */
  id: string;
  number: number;
  startStep: number;
  /**
   * First round to train a batch of. Who enters late may have announced a result of the round under way before it was
   * started again, and a second one would be an equivocation.
   */
  trainsFrom: number;
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
  /** Bringing the parameters of the epoch's start here: in warm-up, or later, to replay the rounds since. */
  | { name: "preparing" }
  /** They are here, the residual is zero, and in warm-up the coordinator is told so. */
  | { name: "ready" }
  /** `nextStep`: the first round that has not begun here yet. Behind the coordinator's: a replay. */
  | { name: "training"; nextStep: number }
  /** A member that does not train before the next epoch. */
  | { name: "stranded"; reason: string }
  | { name: "left" };

/** What this client shows of itself beside its reports; it decides nothing. */
export interface Shown {
  /** what the model writes; told once */
  sampleText: string | null;
  /** scores of named tasks */
  evals: readonly (readonly [name: string, score: number])[];
}

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

/** A witness's report of a round. */
export interface WitnessedResults {
  entries: ListEntries;
  root: Uint8Array; // (32)
  bitmap: Uint8Array; // (32)
  parameterHash: Uint8Array; // (32)
  bloom: Uint8Array; // (512)
  /** encoded */
  metadata: Uint8Array;
}

/** A round as this client lives it. Kept, and served to others, for `retainedRounds` rounds. */
export interface LocalRound {
  epoch: EpochInfo;
  plan: RoundPlan;
  /** the coordinator moved on: `plan.witnesses` will not change any more */
  final: boolean;
  /** first seen while it was under way: silence in it says something of others */
  live: boolean;
  seenAtMs: number;
  batches: ReadonlyMap<number, BatchState>;
  /** by hex of their root */
  lists: ReadonlyMap<string, HeldList>;
  /** our share of results came in at this time; null before */
  shareAtMs: number | null;
  /** what we report as a witness; does not change once it was sent for the first time */
  report: WitnessedResults | null;
  /** our own result, and when to announce it again */
  announced: { announce: Announce; againAtMs: number; times: number } | null;
  training: "open" | "running" | "over";
  /** of our own batch, once it is trained */
  trained: { loss: number | null; tokens: number; trainMs: number } | null;
  /** parameters after this round began */
  parameterHash: Uint8Array | null;
  /** final and all counted lists here */
  agreed: readonly AgreedResult[] | null;
  /** told that we are behind */
  toldBehind: boolean;
  attempts: Attempts;
}

/** What peers say of a round that went by unseen. */
export interface RecordAnswers {
  /** digest of the answer, by peer id key in hex */
  byPeer: ReadonlyMap<string, string>;
  records: ReadonlyMap<string, RecordOfRound>;
}

/** A model in the blob store. */
export interface ModelBlobs {
  /** (tiles, 32) Merkle leaves of the whole model */
  leaves: BlobAddress;
  /** by ascending name */
  tensors: readonly BlobAddress[];
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
  /** epochs entered so far */
  epochsEntered: number;
  stage: Stage;
  /** the engine does one thing at a time */
  job: EngineJob | null;
  /** hex of the parameters in the engine; null = not known */
  engineHash: string | null;
  /** newest agreed parameters (at first the initial ones) that our blob store holds */
  model: { hash: string; blobs: ModelBlobs } | null;
  /** leaves of the model with this hash (hex), to compare the part held with; only where the engine holds a part */
  leaves: { hash: string; address: BlobAddress } | null;
  /** hex: what the run's epochs start from until parameters are agreed for the first time */
  runStartHash: string | null;
  rounds: ReadonlyMap<number, LocalRound>;
  /** by step: rounds whose record peers are asked for */
  records: ReadonlyMap<number, RecordAnswers>;
  /** rounds that are over are begun here one after the other; null: level with the coordinator, or not training */
  replay: { fromStep: number } | null;
  /** announcements of a round whose start we have not seen yet */
  early: readonly Announce[];
  /** durations of the newest rounds */
  roundMs: readonly number[];
  /** slots whose equivocation we can prove, in this epoch */
  accused: ReadonlySet<number>;
  attempts: Attempts;
  shown: Shown;
  stopping: { drain: boolean; step: number } | null;
}

/** A client replays at most so many rounds (DESIGN.md section 4). */
export const retainedRounds = 8;
/** Rounds kept and served: those, and what the run goes on while a replay is under way. */
export const keptRounds = retainedRounds + 2;

/** `runStartHash`: hex; null: the parameters in the engine at first are the run's own start. */
export function initialState(rules: Rules, runStartHash: string | null, nowMs: number): RoundState {
  return {
    rules,
    nowMs,
    view: null,
    clockOffsetMs: 0,
    phaseSinceMs: nowMs,
    epoch: null,
    epochsEntered: 0,
    stage: { name: "starting" },
    job: null,
    engineHash: null,
    model: null,
    leaves: null,
    runStartHash,
    rounds: new Map(),
    records: new Map(),
    replay: null,
    early: [],
    roundMs: [],
    accused: new Set(),
    attempts: new Map(),
    shown: { sampleText: null, evals: [] },
    stopping: null,
  };
}
