/** How long the event loop was held up: above 5 s peers hang up, above 200 ms they notice. */
import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;

/** Returns a function that gives the 99th percentile in ms since its last call. */
export function watchEventLoop(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return () => {
    // the histogram counts the timer's own period as delay
    const lagMs = Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS);
    histogram.reset();
    return Math.round(lagMs * 10) / 10;
  };
}
