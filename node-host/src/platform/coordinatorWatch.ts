/** The connection to the coordinator as a person wants to hear of it: that it is away, for how long by now, and that it is back. */
import type { ConnectionStatus } from "@starling/sdk";
import type { HostEvent } from "../events.ts";
import { sameIdentity } from "./troubles.ts";

/** said again after this, then after twice as long each time: a night without a coordinator is a page, not a book */
const SAY_AGAIN_MS = 30_000;
const SAY_AGAIN_AT_MOST_MS = 600_000;

export class CoordinatorWatch {
  readonly #nowMs: () => number;
  #awaySinceMs: number | null = null;
  #saidMs = 0;
  #againMs = SAY_AGAIN_MS;
  #lastRefusal = "";

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Takes every status in; null while there is nothing new to say. */
  next({ connected, error }: ConnectionStatus): Extract<HostEvent, { type: "coordinator" }> | null {
    const nowMs = this.#nowMs();
    const awayMs = this.#awaySinceMs === null ? 0 : Math.round(nowMs - this.#awaySinceMs);
    if (connected && error !== null) {
      // it answers, but does not have us: its own words, once
      if (error.message === this.#lastRefusal) return null;
      this.#lastRefusal = error.message;
      this.#awaySinceMs = null;
      return { type: "coordinator", connected, awayMs, reason: error.message };
    }
    if (connected) {
      this.#lastRefusal = "";
      if (this.#awaySinceMs === null) return null;
      this.#awaySinceMs = null;
      return { type: "coordinator", connected, awayMs, reason: "" };
    }
    if (this.#awaySinceMs === null) {
      this.#awaySinceMs = nowMs;
      this.#againMs = SAY_AGAIN_MS;
    } else {
      if (nowMs - this.#saidMs < this.#againMs) return null;
      this.#againMs = Math.min(SAY_AGAIN_AT_MOST_MS, 2 * this.#againMs);
    }
    this.#saidMs = nowMs;
    return { type: "coordinator", connected, awayMs, reason: error?.message ?? "the connection broke" };
  }
}

/** For the person at the terminal. */
export function coordinatorSentence({ connected, awayMs, reason }: Extract<HostEvent, { type: "coordinator" }>): string {
  const seconds = Math.round(awayMs / 1000);
  if (connected)
    return reason === ""
      ? `the coordinator is back after ${seconds} s`
      : `the coordinator does not take this client in: ${reason}${sameIdentity(reason)}`;
  return awayMs === 0
    ? `the coordinator is out of reach (${reason}): the round under way is finished, the next one waits for it; this client tries again by itself`
    : `the coordinator has been away for ${seconds} s (${reason}): the run waits for it; this client tries again by itself`;
}
