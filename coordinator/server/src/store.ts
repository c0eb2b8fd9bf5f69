import type { Clock } from "@starling/sdk";
import { ServerError } from "./errors.ts";

/** Where one run's state is kept. `stateFolder.node.ts` keeps it in a file. */
export interface StateStore {
  /** the bytes saved last; null if there are none */
  load(): Promise<Uint8Array | null>;
  /** after a crash at any moment, `load` gives these bytes or those before them */
  save(bytes: Uint8Array): Promise<void>;
}

/** Nobody waits longer than this for a disk that does not answer. */
const LONGEST_HOLD_MS = 2_000;

export interface StateSaverOptions {
  store: StateStore;
  clock: Clock;
  /** the state as it is now, encoded; asked for when the store is free */
  take: () => Uint8Array;
  onSaved: () => void;
  /** told of the first failure, and again only after a save went well */
  onError: (error: ServerError) => void;
}

/** Saves one state at a time, and only the newest of those that came in meanwhile. */
export class StateSaver {
  readonly #options: StateSaverOptions;
  /** changes so far, and how many of them a finished save (well or not) has covered */
  #changes = 0;
  #covered = 0;
  #failing = false;
  #running = false;
  #waiting: { changes: number; resolve: () => void }[] = [];
  #lastTransition: Promise<void> = Promise.resolve();

  constructor(options: StateSaverOptions) {
    this.#options = options;
  }

  /** Something changed within a phase. While the store fails, that is not worth another attempt. */
  changed(): void {
    this.#changes += 1;
    if (!this.#failing) void this.#run();
  }

  /** The machine moved: saved before anybody is told, see `settled`. Tried whatever happened before. */
  moved(): void {
    this.#changes += 1;
    this.#lastTransition = this.#failing ? Promise.resolve() : this.#reached(this.#changes);
    void this.#run();
  }

  /** Only time has passed. Tried whatever happened before. */
  refresh(): void {
    this.#changes += 1;
    void this.#run();
  }

  /**
   * Resolves when the last transition is in the store, could not be stored, or has taken too long. Clients are told of a
   * transition only then: a coordinator that came back to a moment before it would draw other seeds for rounds that
   * clients have already begun.
   */
  settled(): Promise<void> {
    return this.#lastTransition;
  }

  /** Saves what there is, and resolves when that is done, was reported as an error, or has taken too long. */
  async finish(): Promise<void> {
    this.refresh();
    await this.#reached(this.#changes);
  }

  #reached(changes: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(LONGEST_HOLD_MS, () => {
        this.#failed(new Error(`the disk has not answered for ${LONGEST_HOLD_MS / 1000} s`));
        resolve();
      });
      const done = (): void => {
        cancel();
        resolve();
      };
      this.#waiting.push({ changes, resolve: done });
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // everything that changes in this turn is one save
    await Promise.resolve();
    while (this.#covered < this.#changes) {
      const changes = this.#changes;
      await this.#saveOnce();
      this.#covered = changes;
      for (const { resolve } of this.#waiting.filter((one) => one.changes <= changes)) resolve();
      this.#waiting = this.#waiting.filter((one) => one.changes > changes);
      if (this.#failing && this.#waiting.length === 0) break;
    }
    this.#running = false;
  }

  async #saveOnce(): Promise<void> {
    const { store, take, onSaved } = this.#options;
    try {
      await store.save(take());
      this.#failing = false;
      onSaved();
    } catch (cause) {
      this.#failed(cause as Error);
    }
  }

  #failed(cause: Error): void {
    if (this.#failing) return;
    this.#failing = true;
    const message =
      `the run's state could not be saved: ${cause.message}. The run goes on, and saving is tried again at each transition; ` +
      "a crash before it works again would lose what came since the last save";
    this.#options.onError(new ServerError("storage", message, { cause }));
  }
}
