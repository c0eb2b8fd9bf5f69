import { ServerError } from "./errors.ts";

/** Where one run's state is kept. `persistence.node.ts` keeps it in a file. */
export interface StateStore {
  /** the bytes saved last; null if there are none */
  load(): Promise<Uint8Array | null>;
  /** after a crash at any moment, `load` gives these bytes or those before them */
  save(bytes: Uint8Array): Promise<void>;
}

export interface SavedState {
  bytes: Uint8Array;
  epoch: number;
  step: number;
}

/** Saves one state at a time, and only the newest of those that came in meanwhile. */
export class StateSaver {
  readonly #store: StateStore;
  readonly #onSaved: (state: SavedState) => void;
  readonly #onError: (error: unknown) => void;
  #next: SavedState | null = null;
  #running: Promise<void> | null = null;

  constructor(store: StateStore, onSaved: (state: SavedState) => void, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onSaved = onSaved;
    this.#onError = onError;
  }

  save(state: SavedState): void {
    this.#next = state;
    this.#running ??= this.#run();
  }

  /** Resolves when what was handed in is saved, or has been reported as an error. */
  async finish(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#next !== null) {
      const state = this.#next;
      this.#next = null;
      try {
        await this.#store.save(state.bytes);
        this.#onSaved(state);
      } catch (cause) {
        this.#onError(
          new ServerError("storage", `the state of step ${state.step} could not be saved: ${(cause as Error).message}`, { cause }),
        );
      }
    }
    this.#running = null;
  }
}
