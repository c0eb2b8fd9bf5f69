/**
 * Whether a client that is behind has any hope in this epoch. What it lacks may be held by nobody any more, as after a crash of all
 * members at once: then it would ask for ever, and every round would wait for its time-out.
 */
import type { TelemetryEvent } from "../telemetry/events.ts";

const MIN_PATIENCE_MS = 5_000;
const MAX_PATIENCE_MS = 60_000;

/** How long nothing may come in: a quarter of the time that the others may have to wait for a round. */
export function patienceMs(maxRoundTrainS: number): number {
  return Math.min(MAX_PATIENCE_MS, Math.max(MIN_PATIENCE_MS, 250 * maxRoundTrainS));
}

export class BehindWatch {
  readonly #patienceMs: number;
  readonly #nowMs: () => number;
  /** the last sign of progress since it fell behind; null while it is level */
  #sinceMs: number | null = null;
  #isCoordinatorHere = true;

  constructor(patience: number, nowMs: () => number = () => performance.now()) {
    this.#patienceMs = patience;
    this.#nowMs = nowMs;
  }

  heard(event: TelemetryEvent): void {
    switch (event.type) {
      case "behind":
      case "replay":
        this.#sinceMs ??= this.#nowMs();
        return;
      case "download":
      case "modelProgress":
      case "modelReceived":
        if (this.#sinceMs !== null) this.#sinceMs = this.#nowMs();
        return;
      case "roundBegan":
      case "caughtUp":
      case "epochReady":
      case "epochModel":
      case "stranded":
        this.#sinceMs = null;
        return;
      default:
        return; // says nothing of being late
    }
  }

  /** While the coordinator is away nobody goes on, so nobody waits for this client. */
  coordinator(isHere: boolean): void {
    this.#isCoordinatorHere = isHere;
    if (this.#sinceMs !== null) this.#sinceMs = this.#nowMs();
  }

  /** True once for each time that it had no hope. */
  isHopeless(): boolean {
    if (this.#sinceMs === null || !this.#isCoordinatorHere || this.#nowMs() - this.#sinceMs < this.#patienceMs) return false;
    this.#sinceMs = null;
    return true;
  }
}
