import { onAbort } from "./signals.ts";

/** Lets at most `slots` callers in at once; the rest wait in order. */
export class Gate {
  #freeSlots: number;
  readonly #waiting = new Set<() => void>();

  constructor(slots: number) {
    this.#freeSlots = slots;
  }

  /** Resolves to the way out, to be called once. Rejects with the signal's reason. */
  enter(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const admit = (): void => {
        this.#waiting.delete(admit);
        undo();
        this.#freeSlots--;
        resolve(() => {
          this.#freeSlots++;
          const [next] = this.#waiting;
          next?.();
        });
      };
      const undo = onAbort(signal, () => {
        this.#waiting.delete(admit);
        reject(signal.reason);
      });
      if (this.#freeSlots > 0) admit();
      else this.#waiting.add(admit);
    });
  }
}
