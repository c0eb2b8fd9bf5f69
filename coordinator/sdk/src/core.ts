import { sha256 } from "@noble/hashes/sha2.js";
import { equalBytes, toHex } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import { CoordinatorError } from "./errors.ts";
import { type Machine, MachineError } from "./machine.ts";
import { MemberTable } from "./members.ts";
import type { ClientSlot, CoordinatorState, Membership, RunInfo, RunState, Snapshot, TickOutcome, WitnessMessage } from "./types.ts";

/** The clock is looked at this often; calls that complete a phase are acted on at once. */
export const DEFAULT_TICK_INTERVAL_MS = 100;
/** A member may be away this long before its connection counts as lost. */
export const DEFAULT_DISCONNECT_GRACE_MS = 2_000;
/** A tick can make the next one due (a phase that is over as it begins); more than this many in a row is a bug. */
const MAX_TICKS_IN_A_ROW = 8;

const ACTIVE: ReadonlySet<RunState> = new Set(["Warmup", "RoundTrain", "RoundWitness", "Cooldown"]);

/** One move of the state machine, for epoch logs and persistence. */
export interface Transition {
  from: RunState;
  to: RunState;
  outcome: TickOutcome;
  state: CoordinatorState;
  /** the machine after it; `Machine.load` */
  bytes: Uint8Array;
}

export interface CoordinatorCoreOptions {
  /** fresh from `Machine.create`, or restored with `Machine.load` */
  machine: Machine;
  configToml: string;
  clock?: Clock;
  /** the server's share of the seeds; a simulator passes a seeded one */
  randomBytes?: (length: number) => Uint8Array;
  tickIntervalMs?: number;
  /** a member whose connection is lost gives up its slot of the running epoch; default true */
  withdrawOnDisconnect?: boolean;
  disconnectGraceMs?: number;
  onTransition?: (transition: Transition) => void;
  /** what a listener, a hook or a tick threw; default: thrown in a task of its own, which ends a Node process */
  onError?: (error: unknown) => void;
}

interface Subscriber {
  listener: (snapshot: Snapshot) => void;
  /** null: it has seen nothing yet */
  seenNonce: bigint | null;
}

/**
 * The shell around one state machine: who is pending, when to tick, who listens. Calls arrive authenticated, as the
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
  readonly #onTransition: (transition: Transition) => void;
  readonly #onError: (error: unknown) => void;
  readonly #members = new MemberTable();
  readonly #subscribers = new Set<Subscriber>();
  /** live connections by session, hex */
  readonly #attachments = new Map<string, number>();
  /** timers of members that are away, by session, hex */
  readonly #goneTimers = new Map<string, () => void>();
  #state: CoordinatorState;
  #bytes: Uint8Array | null = null;
  #nonce: bigint;
  #emitting = false;
  #cancelTick: (() => void) | null = null;
  #stopped = false;

  constructor(options: CoordinatorCoreOptions) {
    this.clock = options.clock ?? systemClock();
    this.#machine = options.machine;
    this.#configToml = options.configToml;
    this.#randomBytes = options.randomBytes ?? ((length) => crypto.getRandomValues(new Uint8Array(length)));
    this.#tickIntervalMs = options.tickIntervalMs ?? DEFAULT_TICK_INTERVAL_MS;
    this.#withdrawOnDisconnect = options.withdrawOnDisconnect ?? true;
    this.#disconnectGraceMs = options.disconnectGraceMs ?? DEFAULT_DISCONNECT_GRACE_MS;
    this.#onTransition = options.onTransition ?? (() => {});
    this.#onError =
      options.onError ??
      ((error) =>
        queueMicrotask(() => {
          throw error;
        }));
    this.#state = this.#machine.state();
    this.runId = this.#state.runId;
    this.#members.noteEjected(this.#state.clients);
    // Above every nonce of an earlier start, so that clients which outlive a restarted coordinator still listen.
    this.#nonce = BigInt(Math.floor(this.clock.nowMs())) << 20n;
  }

  /** Leaves Uninitialized if the machine is fresh, and begins to tick. */
  start(): void {
    this.#requireRunning();
    if (this.#state.runState === "Uninitialized") {
      this.#call((now) => this.#machine.start(now));
    }
    this.#scheduleTick();
  }

  /** Stops ticking; every later call rejects with `closed`. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTick?.();
    for (const cancel of this.#goneTimers.values()) cancel();
    this.#goneTimers.clear();
    this.#subscribers.clear();
  }

  runInfo(): RunInfo {
    return { runId: this.runId, configToml: this.#configToml };
  }

  /** The decoded state. Treat it as frozen: it is shared until the next change. */
  state(): CoordinatorState {
    return this.#state;
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

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#requireRunning();
    const subscriber: Subscriber = { listener, seenNonce: null };
    this.#subscribers.add(subscriber);
    this.#emit();
    return () => void this.#subscribers.delete(subscriber);
  }

  /** Whether requests of `session` may come from the peer `peerId`. */
  isBound(session: Uint8Array, peerId: Uint8Array): boolean {
    const pending = this.#members.get(session);
    if (pending !== null && equalBytes(pending.peerId, peerId)) return true;
    const slot = this.#slotOf(session);
    return slot !== null && equalBytes(slot.peerId, peerId);
  }

  /**
   * Pending from now on. Joining again replaces keys and addresses and keeps the place in the queue.
   * @throws CoordinatorError `ejected`, `overloaded`, `malformed`, `closed`
   */
  join(membership: Membership, multiaddrs: readonly string[], expiresMs: bigint | null = null): void {
    this.#requireRunning();
    const changed = this.#members.join(membership, multiaddrs, expiresMs);
    // a member that joined over a connection that is already gone must not stay for ever
    if (!this.#attachments.has(toHex(membership.session))) this.#startGoneTimer(membership.session);
    if (changed) this.#changed();
    this.#settle();
  }

  /** @throws CoordinatorError `not-member`, `refused` */
  leave(session: Uint8Array): void {
    this.#requireRunning();
    const slot = this.#healthySlot(session);
    if (slot === null && this.#members.get(session) === null) throw notMember("leave");
    if (slot !== null) this.#call(() => this.#machine.leave(slot.index));
    if (this.#members.remove(session)) this.#changed();
    this.#settle();
  }

  warmupWitness(session: Uint8Array): void {
    const slot = this.#requireSlot(session, "warmupWitness");
    this.#call(() => this.#machine.warmupWitness(slot));
    this.#settle();
  }

  witness(session: Uint8Array, message: WitnessMessage): void {
    const slot = this.#requireSlot(session, "witness");
    this.#call(() => this.#machine.witness(slot, message));
    this.#members.advanceChain(session, message.reveal, sha256(message.reveal));
    this.#settle();
  }

  downloaded(session: Uint8Array, step: number, listsHeld: number): void {
    const slot = this.#requireSlot(session, "downloaded");
    this.#call(() => this.#machine.downloaded(slot, step, listsHeld));
    this.#settle();
  }

  healthCheck(session: Uint8Array, clientIndexes: readonly number[]): void {
    const slot = this.#requireSlot(session, "healthCheck");
    this.#call(() => void this.#machine.healthCheck(slot, clientIndexes));
    this.#settle();
  }

  reportEquivocation(session: Uint8Array, clientIndex: number): void {
    const slot = this.#requireSlot(session, "reportEquivocation");
    this.#call(() => void this.#machine.reportEquivocation(slot, clientIndex));
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
    const halted = (): boolean => this.#state.runState === "Paused" || this.#state.runState === "Finished";
    if (!halted() && !this.#state.pendingPause) this.setPaused(true);
    if (halted()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (drained: boolean): void => {
        cancel();
        unsubscribe();
        resolve(drained);
      };
      const cancel = this.clock.after(deadlineMs, () => finish(halted()));
      // the first call comes at once, before there is anything to undo: halted() is false then
      const unsubscribe = this.subscribe(() => {
        if (halted()) finish(true);
      });
    });
  }

  /**
   * A connection of that session is open until the returned function is called. When the last one is gone for longer
   * than the grace, the member leaves the queue and, with `withdrawOnDisconnect`, its slot.
   */
  attach(session: Uint8Array): () => void {
    const hex = toHex(session);
    this.#attachments.set(hex, (this.#attachments.get(hex) ?? 0) + 1);
    this.#goneTimers.get(hex)?.();
    this.#goneTimers.delete(hex);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const left = this.#attachments.get(hex)! - 1;
      if (left > 0) {
        this.#attachments.set(hex, left);
        return;
      }
      this.#attachments.delete(hex);
      this.#startGoneTimer(session);
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
      const now = this.#now();
      if (this.#members.expire(now)) this.#changed();
      if (!this.#machine.isTickDue(now, this.#members.size)) return;
      const outcome = this.#call(() => this.#machine.tick(now, this.#randomBytes(32), this.#members.pending()));
      if (outcome === "unchanged") return;
    }
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
    if (outcome === "unchanged") return outcome;
    const from = this.#state.runState;
    this.#bytes = null;
    this.#state = this.#machine.state();
    this.#members.noteEjected(this.#state.clients);
    this.#nonce += 1n;
    if (this.#state.runState !== from) {
      this.#bytes = this.#machine.bytes();
      const transition = { from, to: this.#state.runState, outcome, state: this.#state, bytes: this.#bytes };
      this.#guard(() => this.#onTransition(transition));
    }
    this.#emit();
    return outcome;
  }

  /** Something outside the machine changed: the members. */
  #changed(): void {
    this.#nonce += 1n;
    this.#emit();
  }

  /**
   * A listener may call the core, which changes it again: the outer loop then delivers the newest to the others, and
   * nobody sees an older snapshot after a newer one.
   */
  #emit(): void {
    if (this.#emitting) return;
    this.#emitting = true;
    try {
      for (let news = true; news;) {
        news = false;
        for (const subscriber of this.#subscribers) {
          if (subscriber.seenNonce === this.#nonce) continue;
          subscriber.seenNonce = this.#nonce;
          news = true;
          this.#guard(() => subscriber.listener(this.snapshot()));
        }
      }
    } finally {
      this.#emitting = false;
    }
  }

  #startGoneTimer(session: Uint8Array): void {
    const hex = toHex(session);
    if (this.#stopped) return;
    this.#goneTimers.get(hex)?.();
    this.#goneTimers.set(
      hex,
      this.clock.after(this.#disconnectGraceMs, () => {
        this.#goneTimers.delete(hex);
        this.#guard(() => this.#gone(session));
      }),
    );
  }

  #gone(session: Uint8Array): void {
    if (this.#members.remove(session)) this.#changed();
    const slot = this.#withdrawOnDisconnect ? this.#healthySlot(session) : null;
    if (slot !== null) this.#call(() => this.#machine.leave(slot.index));
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

  #healthySlot(session: Uint8Array): ClientSlot | null {
    const slot = ACTIVE.has(this.#state.runState) ? this.#slotOf(session) : null;
    return slot?.state === "Healthy" ? slot : null;
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
    return BigInt(Math.floor(this.clock.nowMs()));
  }
}

function notMember(method: string): CoordinatorError {
  return new CoordinatorError("not-member", `${method}: this session has no part in the run; join first and wait for the next epoch`);
}
