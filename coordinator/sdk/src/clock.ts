/** Time as the coordinator sees it; a simulator injects its own. */
export interface Clock {
  /** Unix milliseconds. A simulated clock may start anywhere above 0. */
  nowMs(): number;
  /** Runs `run` once after `ms`. Returns a function that cancels. */
  after(ms: number, run: () => void): () => void;
}

export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}
