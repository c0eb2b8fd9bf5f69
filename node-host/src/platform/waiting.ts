/**
 * Which failures of a client's fetching deserve a line. A peer that has no answer yet is asked again moments later: that is
 * waiting, not failing, and most of it ends by itself. What goes on for long is said, and said again at intervals.
 */
const SAY_AFTER_MS = 10_000;
const SAY_AGAIN_MS = 30_000;
/** an action not tried for so long is over */
const FORGET_AFTER_MS = 60_000;

interface Trouble {
  firstMs: number;
  lastMs: number;
  tries: number;
  saidMs: number | null;
}

export class Waiting {
  readonly #troubles = new Map<string, Trouble>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** A sentence about a failed action, or null while it is ordinary waiting. Actions that do not wait always get one. */
  failed(action: string, message: string): string | null {
    if (action === "leave") return `the coordinator could not be told of leaving (${message}); it will notice`;
    if (!action.startsWith("fetch")) return `${action} failed: ${message}`;
    const nowMs = this.#nowMs();
    for (const [known, { lastMs }] of this.#troubles) if (nowMs - lastMs > FORGET_AFTER_MS) this.#troubles.delete(known);
    const trouble = this.#troubles.get(action) ?? { firstMs: nowMs, lastMs: nowMs, tries: 0, saidMs: null };
    trouble.lastMs = nowMs;
    trouble.tries++;
    this.#troubles.set(action, trouble);
    const lastedMs = nowMs - trouble.firstMs;
    if (lastedMs < SAY_AFTER_MS || (trouble.saidMs !== null && nowMs - trouble.saidMs < SAY_AGAIN_MS)) return null;
    trouble.saidMs = nowMs;
    return `could not ${action} in ${Math.round(lastedMs / 1000)} s and ${trouble.tries} tries, goes on trying: ${message}`;
  }
}
