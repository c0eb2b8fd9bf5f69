/** When the engine may do other work than the round's: it has none to do, and waits for others. */
import type { RoundState } from "./states.ts";

/**
 * Ready in warm-up, or in a round whose batch is trained, or that gave us none. Not where parameters are not the run's, and not
 * while rounds are caught up with.
 */
export function isIdle({ stage, job, view, epoch, rounds, replay, stopping }: RoundState): boolean {
  if (job !== null || stopping !== null || view === null || epoch === null || replay !== null) return false;
  if (stage.name === "ready") return true;
  if (stage.name !== "training") return false;
  const { runState, step } = view.state;
  switch (runState) {
    case "RoundTrain": {
      const round = rounds.get(step);
      if (round === undefined || stage.nextStep !== step + 1) return false; // it has not begun here
      return round.training === "over" || !round.plan.assignments.some(({ clientIndex }) => clientIndex === epoch.self);
    }
    case "RoundWitness":
    case "Cooldown":
      return true;
    default:
      return false;
  }
}
