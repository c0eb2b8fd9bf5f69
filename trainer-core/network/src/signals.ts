import { NetworkError } from "./errors.ts";

/** Calls `task` when the signal fires, at once if it already has. Returns the undo. */
export function onAbort(signal: AbortSignal | undefined, task: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    task();
    return () => {};
  }
  signal.addEventListener("abort", task, { once: true });
  return () => signal.removeEventListener("abort", task);
}

export function abortedError(what: string, signal?: AbortSignal): NetworkError {
  return new NetworkError("aborted", `${what} was aborted by the caller`, { cause: signal?.reason });
}
