/** When a process that died is started again: soon at first, later and later, and not for ever. */

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** A process that dies more often has a fault that starting it again does not mend. */
export const MAX_DEATHS = 5;
export const WINDOW_MS = 300_000;

export class Restarts {
  readonly #deathsMs = new Map<string, number[]>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** It died: after how many ms it is started again, null when it has died too often. */
  died(name: string): number | null {
    const nowMs = this.#nowMs();
    const deathsMs = [...(this.#deathsMs.get(name) ?? []), nowMs].filter((atMs) => nowMs - atMs < WINDOW_MS);
    this.#deathsMs.set(name, deathsMs);
    if (deathsMs.length > MAX_DEATHS) return null;
    return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (deathsMs.length - 1));
  }
}
