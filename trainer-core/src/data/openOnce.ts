import { DataError, throwIfAborted } from "./dataError.ts";
import { orAborted } from "./signals.ts";

/**
 * Opens something at the first call and keeps it. Callers meanwhile wait for the same opening; a failed one is tried again by the
 * next call, and so is one that ended because the caller who began it gave up.
 */
export function openOnce<T>(open: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let opening: Promise<T> | null = null;
  return async (signal) => {
    for (;;) {
      throwIfAborted(signal);
      opening ??= open(signal).catch((error: unknown) => {
        opening = null;
        throw error;
      });
      try {
        return await orAborted(opening, signal);
      } catch (error) {
        const othersAbort = error instanceof DataError && error.code === "aborted" && !signal.aborted;
        if (!othersAbort) throw error;
      }
    }
  };
}
