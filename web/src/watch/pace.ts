/** At most one call in `intervalMs`: the first at once, the newest wish of those that came in between at the end. */
export class Pace {
  readonly #intervalMs: number;
  readonly #run: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isWanted = false;

  constructor(intervalMs: number, run: () => void) {
    this.#intervalMs = intervalMs;
    this.#run = run;
  }

  want(): void {
    if (this.#timer !== null) {
      this.#isWanted = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#isWanted) return;
      this.#isWanted = false;
      this.want();
    }, this.#intervalMs);
    this.#run();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isWanted = false;
  }
}
