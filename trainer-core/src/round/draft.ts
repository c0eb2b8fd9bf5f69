/** One transition under way: the state before stays as it is, what changes is copied first. */
import type { TelemetryEvent } from "../telemetry/events.ts";
import type { AttemptId, CoordinatorCall, Effect, EngineJob } from "./effects.ts";
import type { Attempt, Attempts, LocalRound, RoundState } from "./states.ts";

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** First retry after this long, then doubling up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 4_000;

export class Draft {
  readonly state: Mutable<RoundState>;
  readonly effects: Effect[] = [];
  readonly #touched = new Map<number, Mutable<LocalRound>>();

  constructor(before: RoundState, atMs: number) {
    this.state = { ...before, nowMs: Math.max(before.nowMs, atMs) };
  }

  finish(): { state: RoundState; effects: Effect[] } {
    if (this.#touched.size > 0) this.state.rounds = new Map([...this.state.rounds, ...this.#touched]);
    this.#touched.clear();
    return { state: this.state, effects: this.effects };
  }

  /** The round as this transition has it so far. */
  peek(step: number): Readonly<LocalRound> | undefined {
    return this.#touched.get(step) ?? this.state.rounds.get(step);
  }

  /** The round, to be changed. Its maps are still shared: replace them. */
  edit(step: number): Mutable<LocalRound> {
    let round = this.#touched.get(step);
    if (round === undefined) {
      const before = this.state.rounds.get(step);
      if (before === undefined) throw new RangeError(`round ${step} is not kept here`);
      this.#touched.set(step, (round = { ...before }));
    }
    return round;
  }

  add(round: LocalRound): void {
    this.#touched.set(round.plan.step, round);
  }

  drop(step: number): void {
    this.#touched.delete(step);
    const rest = new Map(this.state.rounds);
    rest.delete(step);
    this.state.rounds = rest;
  }

  steps(): number[] {
    return [...new Set([...this.state.rounds.keys(), ...this.#touched.keys()])].sort((a, b) => a - b);
  }

  tell(event: TelemetryEvent): void {
    this.effects.push({ type: "tell", event });
  }

  /** Starts an engine job; the engine must be idle. */
  start(job: EngineJob): void {
    this.state.job = job;
    this.effects.push({ type: "engine", job });
  }

  call(attempt: AttemptId, call: CoordinatorCall): void {
    this.began(attempt);
    this.effects.push({ type: "call", attempt, call });
  }

  attempt({ step, key }: AttemptId): Attempt | undefined {
    return this.#attempts(step)?.get(key);
  }

  /** Not under way, and not waiting for its next try. */
  isDue(id: AttemptId, mostTries = Number.POSITIVE_INFINITY): boolean {
    const attempt = this.attempt(id);
    if (attempt === undefined) return true;
    return !attempt.inFlight && attempt.tries < mostTries && this.state.nowMs >= attempt.retryAtMs;
  }

  began(id: AttemptId): void {
    const tries = this.attempt(id)?.tries ?? 0;
    this.#set(id, { inFlight: true, beganAtMs: this.state.nowMs, tries: tries + 1, retryAtMs: 0 });
  }

  /** It may be tried again after a pause. Nothing happens when its round is forgotten already. */
  ended(id: AttemptId): void {
    const attempt = this.attempt(id);
    if (attempt === undefined) return;
    const pauseMs = Math.min(firstRetryMs * 2 ** (attempt.tries - 1), longestRetryMs);
    this.#set(id, { ...attempt, inFlight: false, retryAtMs: this.state.nowMs + pauseMs });
  }

  #attempts(step: number | null): Attempts | undefined {
    return step === null ? this.state.attempts : this.peek(step)?.attempts;
  }

  #set({ step, key }: AttemptId, attempt: Attempt): void {
    const changed = new Map(this.#attempts(step)).set(key, attempt);
    if (step === null) this.state.attempts = changed;
    else this.edit(step).attempts = changed;
  }
}
