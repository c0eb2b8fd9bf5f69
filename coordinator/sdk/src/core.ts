import { sha256 } from "@noble/hashes/sha2.js";
import { equalBytes } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import {
  type CoordinatorCoreOptions,
  DEFAULT_DISCONNECT_GRACE_MS,
  DEFAULT_RESTORE_GRACE_MS,
  DEFAULT_TICK_INTERVAL_MS,
  type SavedRun,
  type Transition,
} from "./coreOptions.ts";
import { pauseAndDrain } from "./drain.ts";
import { CoordinatorError } from "./errors.ts";
import { type Machine, MachineError } from "./machine.ts";
import { Listeners } from "./listeners.ts";
import { MemberTable } from "./members.ts";
import { Presence } from "./presence.ts";
import { RunClock } from "./runClock.ts";
import { seatMembers } from "./seating.ts";
import {
  type ClientSlot,
  type CoordinatorState,
  type Membership,
  NEVER_EXPIRES,
  type RunInfo,
  type RunState,
  type Snapshot,
  type TickOutcome,
  type WitnessReport,
} from "./types.ts";

/** Looked at less often than this, the clock was not looked at because the process did not run. */
const LONGEST_GAP_MS = 2_000;
const LONGEST_GAP_TICKS = 20;
/** A tick can make the next one due (a phase that is over as it begins); more than this many in a row is a bug. */
const MAX_TICKS_IN_A_ROW = 8;

const ACTIVE: ReadonlySet<RunState> = new Set(["Warmup", "RoundTrain", "RoundWitness", "Cooldown"]);
const HALTED: ReadonlySet<RunState> = new Set(["Uninitialized", "Finished", "Paused"]);
/** There is no next epoch to be in, or none yet. */
const CLOSED: ReadonlySet<RunState> = new Set(["Uninitialized", "Finished"]);
/** Changes a millisecond that the clock's part of a nonce leaves room for: 2^20. */
const NONCE_SHIFT = 20n;

/**
 * The shell around one state machine: who is present, when to tick, who listens. Calls arrive authenticated, as the
 * session key that signed them; adapters (memory, tcp) do the authenticating. Everything is synchronous, so a call
 * either changed the machine and every subscriber hears of it, or threw a `CoordinatorError` and changed nothing.
 */
export class CoordinatorCore {
  readonly runId: string;
  readonly clock: Clock;
  readonly #machine: Machine;
  readonly #configToml: string;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #tickIntervalMs: number;
  readonly #withdrawOnDisconnect: boolean;
  readonly #disconnectGraceMs: number;
  readonly #restoreGraceMs: number;
  readonly #runClock: RunClock;
  readonly #onChange: () => void;
  readonly #onWitness: (slot: number, report: WitnessReport) => void;
  readonly #onTransition: (transition: Transition) => void;
  readonly #onError: (error: unknown) => void;
  readonly #members = new MemberTable();
  readonly #listeners: Listeners;
  readonly #presence: Presence;
  #state: CoordinatorState;
  #bytes: Uint8Array | null = null;
  #nonce: bigint;
  #cancelTick: (() => void) | null = null;
  /** the members are others than the listeners know */
  #isTold = true;
  /** the machine's places are in step with who is here */
  #isSeated = false;
  #stopped = false;

  constructor(options: CoordinatorCoreOptions) {
    this.clock = options.clock ?? systemClock();
    this.#machine = options.machine;
    this.#configToml = options.configToml;
    this.#randomBytes = options.randomBytes ?? ((length) => crypto.getRandomValues(new Uint8Array(length)));
    this.#tickIntervalMs = options.tickIntervalMs ?? DEFAULT_TICK_INTERVAL_MS;
    this.#withdrawOnDisconnect = options.withdrawOnDisconnect ?? true;
    this.#disconnectGraceMs = options.disconnectGraceMs ?? DEFAULT_DISCONNECT_GRACE_MS;
    this.#restoreGraceMs = options.restoreGraceMs ?? DEFAULT_RESTORE_GRACE_MS;
    this.#onChange = options.onChange ?? (() => {});
    this.#onWitness = options.onWitness ?? (() => {});
    this.#onTransition = options.onTransition ?? (() => {});
    this.#onError =
      options.onError ??
      ((error) =>
        queueMicrotask(() => {
          throw error;
        }));
    this.#presence = new Presence(this.clock, (session) => this.#guard(() => this.#gone(session)));
    this.#listeners = new Listeners(
      () => this.snapshot(),
      () => this.#nonce,
      this.#onError,
    );
    this.#state = this.#machine.state();
    this.runId = this.#state.runId;
    const { restored } = options;
    if (restored !== undefined) this.#members.restore(restored.members, restored.ejectedOwners);
    this.#noteLosses([]);
    this.#runClock = new RunClock(this.clock, {
      longestGapMs: Math.max(LONGEST_GAP_MS, LONGEST_GAP_TICKS * this.#tickIntervalMs),
      resumeAtMs: restored === undefined ? null : Number(restored.runNowMs),
    });
    if (HALTED.has(this.#state.runState)) this.#runClock.catchUp();
    // Above every nonce of an earlier start, so that clients which outlive a restarted coordinator still listen.
    const byClock = BigInt(Math.floor(this.clock.nowMs())) << NONCE_SHIFT;
    const bySaved = (restored?.nonce ?? 0n) + (1n << NONCE_SHIFT);
    this.#nonce = byClock > bySaved ? byClock : bySaved;
  }

  /** Leaves Uninitialized if the machine is fresh, and begins to tick. */
  start(): void {
    this.#requireRunning();
    if (this.#state.runState === "Uninitialized") {
      this.#call((now) => this.#machine.start(now));
    }
    this.#awaitReturn();
    this.#settle();
    this.#scheduleTick();
  }

  /** Stops ticking; every later call rejects with `closed`. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTick?.();
    this.#presence.stop();
    this.#listeners.clear();
  }

  runInfo(): RunInfo {
    return { runId: this.runId, configToml: this.#configToml };
  }

  /** The decoded state. Treat it as frozen: it is shared until the next change. */
  state(): CoordinatorState {
    return this.#state;
  }

  /** Of the newest snapshot. */
  get nonce(): bigint {
    return this.#nonce;
  }

  snapshot(): Snapshot {
    this.#bytes ??= this.#machine.bytes();
    return {
      nonce: this.#nonce,
      bytes: this.#bytes,
      coordinatorNowMs: this.#now(),
      members: this.#members.addresses(ACTIVE.has(this.#state.runState) ? this.#state.clients : []),
    };
  }

  /** What to keep, so that a coordinator started with it as `restored` goes on from here. */
  saved(): SavedRun {
    this.#bytes ??= this.#machine.bytes();
    return {
      bytes: this.#bytes,
      nonce: this.#nonce,
      runNowMs: this.#now(),
      members: this.#members.saved(),
      ejectedOwners: this.#members.ejectedOwners(),
    };
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#requireRunning();
    return this.#listeners.add(listener);
  }

  /** Whether requests of `session` may come from the peer `peerId`. */
  isBound(session: Uint8Array, peerId: Uint8Array): boolean {
    const pending = this.#members.get(session);
    if (pending !== null && equalBytes(pending.peerId, peerId)) return true;
    const slot = this.#slotOf(session);
    return slot !== null && equalBytes(slot.peerId, peerId);
  }

  /**
   * A member from now on, in every following epoch. Joining again replaces keys and addresses.
   * @throws CoordinatorError `ejected`, `overloaded`, `malformed`, `closed`
   */
  join(membership: Membership, multiaddrs: readonly string[], expiresMs: bigint = NEVER_EXPIRES): void {
    this.#requireRunning();
    if (this.#members.join({ ...membership, expiresMs }, multiaddrs)) this.#membersChanged();
    // a member that joined over a connection that is already gone must not stay for ever
    this.#presence.expect(membership.session, this.#disconnectGraceMs);
    this.#settle();
    this.#members.refuseEjected(membership.owner);
  }

  /** @throws CoordinatorError `not-member`, `refused` */
  leave(session: Uint8Array): void {
    this.#requireRunning();
    const hasPlace = this.#hasPlace(session);
    if (!hasPlace && this.#members.get(session) === null) throw notMember("leave");
    if (this.#members.remove(session) !== null) this.#membersChanged();
    if (hasPlace) this.#call(() => this.#machine.leave(session));
    this.#settle();
  }

  warmupWitness(session: Uint8Array): void {
    const slot = this.#requireSlot(session, "warmupWitness");
    this.#call((now) => (this.#machine.warmupWitness(slot, now) ? "moved" : "unchanged"));
    this.#settle();
  }

  witness(session: Uint8Array, message: WitnessReport): void {
    const slot = this.#requireSlot(session, "witness");
    this.#call((now) => this.#machine.witness(slot, message, now));
    this.#guard(() => this.#onWitness(slot, message));
    this.#members.advanceChain(session, message.reveal, sha256(message.reveal));
    // it waits with a link that is public now
    if (this.#state.pending.some((member) => equalBytes(member.session, session))) this.#isSeated = false;
    this.#settle();
  }

  downloaded(session: Uint8Array, step: number, listsHeld: number): void {
    const slot = this.#requireSlot(session, "downloaded");
    this.#call((now) => this.#machine.downloaded(slot, step, listsHeld, now));
    this.#settle();
  }

  healthCheck(session: Uint8Array, clientIndexes: readonly number[]): void {
    const slot = this.#requireSlot(session, "healthCheck");
    this.#call((now) => void this.#machine.healthCheck(slot, clientIndexes, now));
    this.#settle();
  }

  reportEquivocation(session: Uint8Array, clientIndex: number): void {
    const slot = this.#requireSlot(session, "reportEquivocation");
    this.#call((now) => void this.#machine.reportEquivocation(slot, clientIndex, now));
    this.#settle();
  }

  /** Who may do this is for the adapter to check. */
  setPaused(paused: boolean): void {
    this.#requireRunning();
    this.#call((now) => (paused ? this.#machine.pause(now) : this.#machine.resume(now)));
    this.#settle();
  }

  /**
   * Pauses, and waits until the pipeline has drained. Resolves with true once the run is Paused or Finished, with
   * false when the deadline comes first (the pause stays pending).
   */
  pauseAndDrain(deadlineMs: number): Promise<boolean> {
    return pauseAndDrain(this, deadlineMs);
  }

  /**
   * A connection of that session is open until the returned function is called. When the last one is gone for longer
   * than the grace, it is no member any more and, with `withdrawOnDisconnect`, leaves its slot.
   */
  attach(session: Uint8Array): () => void {
    const detach = this.#presence.attach(session, this.#disconnectGraceMs);
    return () => {
      if (!this.#stopped) detach();
    };
  }

  /** Ticks if the machine says one is due. Runs by itself; a simulator may call it too. */
  tick(): void {
    this.#requireRunning();
    this.#settle();
  }

  #scheduleTick(): void {
    this.#cancelTick?.();
    this.#cancelTick = this.clock.after(this.#tickIntervalMs, () => {
      try {
        this.#settle();
      } catch (error) {
        this.#onError(error);
      }
      if (!this.#stopped) this.#scheduleTick();
    });
  }

  #settle(): void {
    for (let ticks = 0; ticks < MAX_TICKS_IN_A_ROW; ticks++) {
      if (this.#members.expire(BigInt(Math.floor(this.clock.nowMs()))).length > 0) this.#membersChanged();
      this.#seat();
      if (!this.#machine.isTickDue(this.#now())) return;
      // the epoch is over: what its clock lost by down time is no use to the next one
      if (this.#state.runState === "Cooldown") this.#runClock.catchUp();
      const outcome = this.#call((now) => this.#tickMachine(now));
      if (outcome === "unchanged") return;
    }
  }

  #tickMachine(nowMs: bigint): TickOutcome {
    const outcome = this.#machine.tick(nowMs, this.#randomBytes(32));
    // nobody here keeps accounts: the table of an epoch that is over is free for those who join at once
    if (outcome === "epoch-succeeded" || outcome === "epoch-failed") this.#machine.settleAll();
    return outcome;
  }

  /** Those who are here get their places, and everyone hears who is here. */
  #seat(): void {
    if (!this.#isSeated && !CLOSED.has(this.#state.runState)) {
      this.#isSeated = true;
      if (seatMembers(this.#machine, this.#members, (session) => this.#presence.isAwaited(session), this.#now())) this.#moved("moved");
    }
    if (!this.#isTold) this.#tell();
  }

  /** Runs one machine call, then tells everyone. A machine error becomes `refused`. */
  #call(run: (nowMs: bigint) => TickOutcome | void): TickOutcome {
    let outcome: TickOutcome;
    try {
      outcome = run(this.#now()) ?? "moved";
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      throw new CoordinatorError("refused", error.message, { cause: error, machineCode: error.code });
    }
    if (outcome !== "unchanged") this.#moved(outcome);
    return outcome;
  }

  /** The machine changed. */
  #moved(outcome: TickOutcome): void {
    const before = this.#state;
    const { runState: from, clients: slotsBefore } = before;
    this.#bytes = null;
    this.#state = this.#machine.state();
    const to = this.#state.runState;
    if (this.#noteLosses(slotsBefore) || to !== from) this.#isSeated = false;
    this.#tell(() => {
      if (to === from) return;
      this.#bytes = this.#machine.bytes();
      this.#onTransition({ from, to, outcome, before, state: this.#state, bytes: this.#bytes });
    });
  }

  /**
   * Who was ejected is barred with all its sessions. Who was dropped may be frozen, its connection still open: no epoch waits
   * for it before it is heard from. One that lives sees that it is no member, and joins again. Returns whether a slot was lost.
   */
  #noteLosses(before: readonly ClientSlot[]): boolean {
    const lost = this.#state.clients.filter(({ index, state }) => state !== "Healthy" && before[index]?.state !== state);
    for (const { state, owner, session } of lost) {
      if (state === "Ejected") this.#members.eject(owner);
      if (state === "Dropped") this.#members.remove(session);
    }
    return lost.length > 0;
  }

  #membersChanged(): void {
    this.#isTold = false;
    this.#isSeated = false;
  }

  #tell(first: () => void = () => {}): void {
    this.#isTold = true;
    this.#nonce += 1n;
    this.#guard(first);
    this.#guard(this.#onChange);
    this.#listeners.emit();
  }

  /** Nobody is connected to a coordinator that has just come back, and nobody is lost because of that. */
  #awaitReturn(): void {
    const { pending, clients } = this.#state;
    const placed = [...pending, ...clients].filter(({ session }) => this.#hasPlace(session));
    for (const { session } of [...this.#members.all(), ...placed]) this.#presence.expect(session, this.#restoreGraceMs);
  }

  #gone(session: Uint8Array): void {
    if (this.#members.remove(session) !== null) this.#membersChanged();
    this.#isSeated = false;
    const keepsSlot = !this.#withdrawOnDisconnect && ACTIVE.has(this.#state.runState);
    if (!keepsSlot && this.#hasPlace(session)) this.#call(() => this.#machine.leave(session));
    this.#settle();
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#onError(error);
    }
  }

  #slotOf(session: Uint8Array): ClientSlot | null {
    return this.#state.clients.find((slot) => equalBytes(slot.session, session)) ?? null;
  }

  /** A slot of the running epoch, or a place in the next. */
  #hasPlace(session: Uint8Array): boolean {
    const { runState, pending } = this.#state;
    if (CLOSED.has(runState)) return false;
    if (pending.some((member) => equalBytes(member.session, session))) return true;
    const slot = this.#slotOf(session);
    return slot?.state === "Healthy" && (slot.carried || ACTIVE.has(runState));
  }

  #requireSlot(session: Uint8Array, method: string): number {
    this.#requireRunning();
    const slot = this.#slotOf(session);
    if (slot === null) throw notMember(method);
    return slot.index;
  }

  #requireRunning(): void {
    if (this.#stopped) throw new CoordinatorError("closed", "this coordinator was stopped");
  }

  #now(): bigint {
    return BigInt(this.#runClock.nowMs());
  }
}

function notMember(method: string): CoordinatorError {
  return new CoordinatorError("not-member", `${method}: this session has no part in the run; join first and wait for the next epoch`);
}
