import { systemClock } from "@starling/sdk";
import { pause } from "@starling/sdk/retry";

const TRIES = 4;
const RETRY_MS = 2_000;

/** For an engine in the place of one that was lost: a browser whose graphics process died has no adapter until it has started another one. */
export async function whenAdapterIsBack<T>(make: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await make();
    } catch (error) {
      const { code } = error as { code?: string };
      if (signal.aborted || left === 1 || (code !== "no-adapter" && code !== "no-device")) throw error;
      await pause(systemClock(), RETRY_MS, signal);
    }
  }
}
