/** What a `CoordinatorCore` is given, tells and keeps. */
import type { Clock } from "./clock.ts";
import type { Machine } from "./machine.ts";
import type { SavedMember } from "./members.ts";
import type { CoordinatorState, RunState, TickOutcome, WitnessReport } from "./types.ts";

/** The clock is looked at this often; calls that complete a phase are acted on at once. */
export const DEFAULT_TICK_INTERVAL_MS = 100;
/** A member may be away this long before its connection counts as lost. */
export const DEFAULT_DISCONNECT_GRACE_MS = 2_000;
/** What a restarted coordinator knows of is given this long to come back: the clients' longest back-off, and a dial. */
export const DEFAULT_RESTORE_GRACE_MS = 15_000;

/** One move of the state machine, for epoch logs and persistence. */
export interface Transition {
  from: RunState;
  to: RunState;
  outcome: TickOutcome;
  /** just before it: of a round that is over, with everything its witnesses reported */
  before: CoordinatorState;
  state: CoordinatorState;
  /** the machine after it; `Machine.load` */
  bytes: Uint8Array;
}

/** All that a coordinator needs to go on in the same round after a restart. */
export interface SavedRun {
  /** the machine; `Machine.load` */
  bytes: Uint8Array;
  /** newest that was told to anyone */
  nonce: bigint;
  /** where the run's clock stood, Unix ms */
  runNowMs: bigint;
  /** in order of joining */
  members: SavedMember[];
  /** (32) each, oldest first */
  ejectedOwners: Uint8Array[];
}

export interface CoordinatorCoreOptions {
  /** fresh from `Machine.create`, or restored with `Machine.load` */
  machine: Machine;
  /** what was saved with that machine: members and clocks go on from there */
  restored?: Omit<SavedRun, "bytes">;
  configToml: string;
  clock?: Clock;
  /** the server's share of the seeds; a simulator passes a seeded one */
  randomBytes?: (length: number) => Uint8Array;
  tickIntervalMs?: number;
  /** a member whose connection is lost gives up its slot of the running epoch; default true */
  withdrawOnDisconnect?: boolean;
  disconnectGraceMs?: number;
  /** how long those that a restored run knows may take to come back */
  restoreGraceMs?: number;
  /** after every change, whatever it was: `saved()` is another one now */
  onChange?: () => void;
  /** after a witness message that the machine took */
  onWitness?: (slot: number, report: WitnessReport) => void;
  onTransition?: (transition: Transition) => void;
  /** what a listener, a hook or a tick threw; default: thrown in a task of its own, which ends a Node process */
  onError?: (error: unknown) => void;
}
