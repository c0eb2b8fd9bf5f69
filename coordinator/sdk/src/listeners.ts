import type { Snapshot } from "./types.ts";

interface Listener {
  hear: (snapshot: Snapshot) => void;
  /** null: it has heard nothing yet */
  heardNonce: bigint | null;
}

/** Those who listen to a core, each told of the newest snapshot once. */
export class Listeners {
  readonly #newest: () => Snapshot;
  readonly #nonce: () => bigint;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<Listener>();
  #emitting = false;

  constructor(newest: () => Snapshot, nonce: () => bigint, onError: (error: unknown) => void) {
    this.#newest = newest;
    this.#nonce = nonce;
    this.#onError = onError;
  }

  /** Hears of the present snapshot at once. Returns the undo. */
  add(hear: (snapshot: Snapshot) => void): () => void {
    const listener: Listener = { hear, heardNonce: null };
    this.#listeners.add(listener);
    this.emit();
    return () => void this.#listeners.delete(listener);
  }

  /**
   * A listener may call the core, which changes it again: the outer loop then delivers the newest to the others, and
   * nobody sees an older snapshot after a newer one.
   */
  emit(): void {
    if (this.#emitting) return;
    this.#emitting = true;
    try {
      for (let news = true; news;) {
        news = false;
        for (const listener of this.#listeners) {
          if (listener.heardNonce === this.#nonce()) continue;
          listener.heardNonce = this.#nonce();
          news = true;
          this.#tell(listener);
        }
      }
    } finally {
      this.#emitting = false;
    }
  }

  clear(): void {
    this.#listeners.clear();
  }

  #tell(listener: Listener): void {
    try {
      listener.hear(this.#newest());
    } catch (error) {
      this.#onError(error);
    }
  }
}
