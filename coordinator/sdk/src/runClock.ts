import type { Clock } from "./clock.ts";

/**
 * The time by which a run's phases and epochs are measured: the wall clock, less the time in which its coordinator was
 * not running. A coordinator that was killed, frozen or suspended goes on where it was, and a round under way is not
 * timed out by its return; nor is it when the wall clock is set. Moments that the machine recorded are never moved,
 * since an epoch is known to its clients by when it began.
 */
export class RunClock {
  readonly #clock: Clock;
  readonly #longestGapMs: number;
  /** wall clock minus run clock, ms */
  #lagMs: number;
  #lastWallMs: number;

  /** `resumeAtMs`: where the run's clock stood when its coordinator went away; null for the wall clock's time. */
  constructor(clock: Clock, { longestGapMs, resumeAtMs = null }: { longestGapMs: number; resumeAtMs?: number | null }) {
    this.#clock = clock;
    this.#longestGapMs = longestGapMs;
    this.#lastWallMs = clock.nowMs();
    this.#lagMs = resumeAtMs === null ? 0 : this.#lastWallMs - resumeAtMs;
  }

  /** Unix ms, whole, never less than before. Asked at every tick: nobody was running in a gap longer than `longestGapMs`. */
  nowMs(): number {
    const wallMs = this.#clock.nowMs();
    const passedMs = wallMs - this.#lastWallMs;
    if (passedMs < 0 || passedMs > this.#longestGapMs) this.#lagMs += passedMs;
    this.#lastWallMs = wallMs;
    return Math.floor(wallMs - this.#lagMs);
  }

  /** How far the run's clock is behind the wall clock, ms. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** Where no phase is under way that a leap would cut short, the run's clock is set to the wall clock. It never goes back. */
  catchUp(): void {
    this.#lagMs = Math.min(this.#lagMs, 0);
  }
}
