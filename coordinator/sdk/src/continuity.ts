import { CoordinatorError } from "./errors.ts";
import { MachineError } from "./machineError.ts";
import { readState } from "./readState.ts";

interface Progress {
  epoch: number;
  step: number;
  /** when its last epoch was formed; 0 before the first */
  epochStartMs: bigint;
  /** before the rounds of that epoch, the first of which has the same step */
  isWarmup: boolean;
}

/**
 * Whether a coordinator that came back still is where it was. One that kept its state never goes back: it saves each
 * transition before it tells of it. One that did go back would draw other rounds for steps that its clients have
 * trained, who would then sign two results for one step, and throw away what they have trained: they refuse.
 */
export class Continuity {
  #furthest: Progress | null = null;

  /** The connection broke: `bytes` is the newest state that was heard over it. */
  note(bytes: Uint8Array): void {
    try {
      this.#furthest = progressOf(bytes);
    } catch (error) {
      // a coordinator of another version: nothing is known of where it was
      if (!(error instanceof MachineError)) throw error;
    }
  }

  /** Null when the first state after that goes on from it. */
  judge(bytes: Uint8Array): CoordinatorError | null {
    const known = this.#furthest;
    if (known === null) return null;
    const { epoch, step, epochStartMs, isWarmup } = progressOf(bytes);
    const hasUnbegun = isWarmup && !known.isWarmup && epochStartMs === known.epochStartMs;
    if (step >= known.step && epochStartMs >= known.epochStartMs && !hasUnbegun) return null;
    return new CoordinatorError(
      "state-lost",
      `the coordinator is at ${isWarmup ? "the warm-up before " : ""}step ${step} of epoch ${epoch}, this client knows step ${known.step} of epoch ${known.epoch}: ` +
        "it lost the run's state, or has an old copy. Start it with its state folder; or, to go on from there, start the clients again too",
    );
  }
}

function progressOf(bytes: Uint8Array): Progress {
  const { epoch, step, epochStartMs, runState } = readState(bytes);
  return { epoch, step, epochStartMs, isWarmup: runState === "Warmup" };
}
