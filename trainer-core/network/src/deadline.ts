import { NetworkError } from "./errors.ts";
import { abortedError, onAbort } from "./signals.ts";

export interface DeadlineOptions {
  what: string;
  signal?: AbortSignal;
  /** For the whole. */
  timeoutMs?: number;
  /** After a call of `touch`. */
  idleTimeoutMs?: number;
}

/** One signal for the caller's abort, the time limit and the silence limit; `reason` tells which it was. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #options: DeadlineOptions;
  readonly #undo: () => void;
  readonly #timeout: ReturnType<typeof setTimeout> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #reason: NetworkError | undefined;

  constructor(options: DeadlineOptions) {
    this.#options = options;
    this.#undo = onAbort(options.signal, () => this.#fire(abortedError(options.what, options.signal)));
    if (options.timeoutMs !== undefined) {
      const error = `${options.what} took longer than ${options.timeoutMs} ms`;
      this.#timeout = setTimeout(() => this.#fire(new NetworkError("timeout", error)), options.timeoutMs);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Set once the signal has fired. */
  get reason(): NetworkError | undefined {
    return this.#reason;
  }

  /** The silence starts anew; it does not count before the first call. */
  touch(): void {
    const { what, idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === undefined || this.signal.aborted) return;
    clearTimeout(this.#idle);
    const error = `${what}: no byte for ${idleTimeoutMs} ms`;
    this.#idle = setTimeout(() => this.#fire(new NetworkError("timeout", error)), idleTimeoutMs);
  }

  /** Call it when done, or the timers live on. */
  clear(): void {
    this.#undo();
    clearTimeout(this.#timeout);
    clearTimeout(this.#idle);
  }

  #fire(reason: NetworkError): void {
    this.#reason ??= reason;
    this.#controller.abort(reason);
  }
}
