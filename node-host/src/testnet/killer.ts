/** Kills clients at intervals, as --random-kill-num asks. Seeded: of the same clients the same seed chooses the same ones. */
import { seededRandom } from "@starling/network/random";

export interface KillerOptions {
  count: number;
  intervalMs: number;
  /** numbers of the clients that may be killed; undefined = all */
  allowed: readonly number[] | undefined;
  seed: number;
}

export class Killer {
  readonly #options: KillerOptions;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: KillerOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  /** `running`: numbers of the clients that are up; one that is still starting is left alone, or it would never come back. */
  start(running: () => readonly number[], kill: (client: number) => void): void {
    this.#timer = setInterval(() => {
      for (const client of this.choose(running())) kill(client);
    }, this.#options.intervalMs);
  }

  /** Who is killed next, of those that run. */
  choose(running: readonly number[]): number[] {
    const { allowed, count } = this.#options;
    const left = running.filter((client) => allowed === undefined || allowed.includes(client));
    const chosen: number[] = [];
    while (chosen.length < count && left.length > 0) chosen.push(...left.splice(Math.floor(this.#random() * left.length), 1));
    return chosen;
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }
}
