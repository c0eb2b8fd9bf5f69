/**
 * At most `most` calls in any window of `windowMs`, and `gapMs` between two of them unless the wish is urgent. At once where
 * that allows it, else as soon as it does; the newest wish is never lost.
 */
export class Pace {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #gapMs: number;
  readonly #run: () => void;
  /** of the last `most` calls, oldest first */
  #ranMs: number[] = [];
  #due: { atMs: number; timer: ReturnType<typeof setTimeout> } | null = null;

  constructor(most: number, windowMs: number, run: () => void, gapMs = 0) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#gapMs = gapMs;
    this.#run = run;
  }

  want(isUrgent = false): void {
    const nowMs = performance.now();
    const ran = this.#ranMs;
    const windowMs = ran.length < this.#most ? nowMs : ran[0]! + this.#windowMs;
    const gapMs = isUrgent || ran.length === 0 ? nowMs : ran.at(-1)! + this.#gapMs;
    const atMs = Math.max(windowMs, gapMs);
    if (this.#due !== null && this.#due.atMs <= atMs) return;
    this.stop();
    if (atMs <= nowMs) this.#go();
    else this.#due = { atMs, timer: setTimeout(() => this.#go(), Math.ceil(atMs - nowMs)) };
  }

  stop(): void {
    if (this.#due !== null) clearTimeout(this.#due.timer);
    this.#due = null;
  }

  #go(): void {
    this.#due = null;
    this.#ranMs = [...this.#ranMs, performance.now()].slice(-this.#most);
    this.#run();
  }
}
