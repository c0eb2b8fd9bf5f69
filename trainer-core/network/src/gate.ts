import { onAbort } from "./signals.ts";

/** Lets at most `slots` callers in at once, at most `slotsPerKey` of one key; the rest wait, each key's in order and the keys in turn. */
export class Gate {
  #freeSlots: number;
  readonly #slotsPerKey: number;
  readonly #inside = new Map<string, number>();
  /** Keys in the order of their turn; a key that was served goes to the end. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(slots: number, slotsPerKey = slots) {
    this.#freeSlots = slots;
    this.#slotsPerKey = slotsPerKey;
  }

  /** Resolves to the way out, to be called once. Rejects with the signal's reason. */
  enter(signal: AbortSignal, key = ""): Promise<() => void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const admit = (): void => {
        undo();
        this.#freeSlots--;
        this.#inside.set(key, (this.#inside.get(key) ?? 0) + 1);
        resolve(() => {
          this.#freeSlots++;
          const left = this.#inside.get(key)! - 1;
          if (left === 0) this.#inside.delete(key);
          else this.#inside.set(key, left);
          this.#admitNext();
        });
      };
      const undo = onAbort(signal, () => {
        this.#stopWaiting(key, admit);
        reject(signal.reason);
      });
      if (this.#hasRoom(key)) {
        admit();
        return;
      }
      const queue = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, queue);
      queue.add(admit);
    });
  }

  #hasRoom(key: string): boolean {
    return this.#freeSlots > 0 && (this.#inside.get(key) ?? 0) < this.#slotsPerKey;
  }

  #admitNext(): void {
    for (const [key, queue] of this.#waiting) {
      if (!this.#hasRoom(key)) continue;
      const [next] = queue;
      this.#waiting.delete(key);
      queue.delete(next);
      if (queue.size > 0) this.#waiting.set(key, queue);
      next();
      return;
    }
  }

  #stopWaiting(key: string, admit: () => void): void {
    const queue = this.#waiting.get(key);
    queue?.delete(admit);
    if (queue?.size === 0) this.#waiting.delete(key);
  }
}
