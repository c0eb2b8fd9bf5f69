import { keyHex, type Member, type PeerKey } from "./port.ts";

const tickMs = 250;
const firstRetryMs = 500;
const maxRetryMs = 5_000;
/** Both sides want the connection; the one with the larger key leaves the first move to the other. */
const yieldMs = 2_000;

export interface RedialerOptions {
  self: PeerKey;
  /** Whether there is a way to a peer. */
  canDial: (hex: string) => boolean;
  /** Whether it can dial us as well; if not, there is no one to leave the first move to. */
  dialsUs: (hex: string) => boolean;
  named: () => Map<string, Member>;
  isConnected: (hex: string) => boolean;
  dial: (hex: string, signal: AbortSignal) => Promise<void>;
}

interface Attempt {
  failures: number;
  nextAtMs: number;
  running: boolean;
}

/** Keeps us connected to every named peer that has an address, with back-off. */
export class Redialer {
  readonly #options: RedialerOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #stopped = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: RedialerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** The list changed, or a connection broke: forget the back-off. */
  wake(): void {
    const named = this.#options.named();
    for (const hex of this.#attempts.keys()) if (!named.has(hex)) this.#attempts.delete(hex);
    for (const attempt of this.#attempts.values()) {
      attempt.failures = 0;
      attempt.nextAtMs = Math.min(attempt.nextAtMs, performance.now() + firstRetryMs);
    }
    this.#tick();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopped.abort();
  }

  #tick(): void {
    if (this.#stopped.signal.aborted) return;
    const nowMs = performance.now();
    const selfHex = keyHex(this.#options.self);
    for (const hex of this.#options.named().keys()) {
      if (hex === selfHex || this.#options.isConnected(hex) || !this.#options.canDial(hex)) continue;
      let attempt = this.#attempts.get(hex);
      if (attempt === undefined) {
        const patienceMs = selfHex > hex && this.#options.dialsUs(hex) ? yieldMs : 0;
        attempt = { failures: 0, nextAtMs: nowMs + patienceMs, running: false };
        this.#attempts.set(hex, attempt);
      }
      if (!attempt.running && attempt.nextAtMs <= nowMs) void this.#try(hex, attempt);
    }
  }

  async #try(hex: string, attempt: Attempt): Promise<void> {
    attempt.running = true;
    try {
      await this.#options.dial(hex, this.#stopped.signal);
      attempt.failures = 0;
      attempt.nextAtMs = performance.now() + firstRetryMs;
    } catch {
      // Not there, or does not list us yet: both are ordinary, and the next attempt tells.
      const backoffMs = Math.min(maxRetryMs, firstRetryMs * 2 ** attempt.failures);
      attempt.failures++;
      const [random] = crypto.getRandomValues(new Uint8Array(1));
      attempt.nextAtMs = performance.now() + backoffMs * (0.75 + random / 512);
    } finally {
      attempt.running = false;
    }
  }
}
