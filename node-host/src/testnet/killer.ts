/** Kills clients at intervals, as --random-kill-num asks. Seeded: the same seed kills the same clients in the same order. */
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

  start(clients: readonly string[], kill: (client: string) => void): void {
    const { allowed, count, intervalMs } = this.#options;
    const victims = allowed === undefined ? [...clients] : clients.filter((_, i) => allowed.includes(i + 1));
    this.#timer = setInterval(() => {
      const left = [...victims];
      for (let i = 0; i < count && left.length > 0; i++) kill(left.splice(Math.floor(this.#random() * left.length), 1)[0]!);
    }, intervalMs);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }
}
