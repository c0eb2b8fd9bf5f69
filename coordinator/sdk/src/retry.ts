import { NetworkError, type NetworkErrorCode } from "@starling/network";
import type { Clock } from "./clock.ts";
import { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";

export const FIRST_BACKOFF_MS = 200;
/** A coordinator that was restarted has its clients back within this time, and a dial. */
const MAX_BACKOFF_MS = 2_000;

export function longer(backoffMs: number): number {
  return Math.min(2 * backoffMs, MAX_BACKOFF_MS);
}

/** @throws CoordinatorError `aborted` */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(new CoordinatorError("aborted", "aborted while waiting to try again", { cause: signal?.reason }));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}

const FROM_NETWORK: Partial<Record<NetworkErrorCode, CoordinatorErrorCode>> = {
  timeout: "timeout",
  aborted: "aborted",
  malformed: "malformed",
  "too-large": "malformed",
  "remote-error": "internal",
};

/** What a client's call failed with, as the one class that its callers know. */
export function asCoordinatorError(error: unknown, doing: string): CoordinatorError {
  if (error instanceof CoordinatorError) return error;
  const message = `${doing}: ${error instanceof Error ? error.message : String(error)}`;
  if (!(error instanceof NetworkError)) return new CoordinatorError("internal", message, { cause: error });
  return new CoordinatorError(FROM_NETWORK[error.code] ?? "unreachable", message, { cause: error });
}
