import type { CoordinatorState } from "./types.ts";

/** How long the present phase lasts at the most, ms, once those are there without whom it does not end; null where no clock ends it. */
export function phaseLimitMs({ runState, config }: Pick<CoordinatorState, "runState" | "config">): number | null {
  switch (runState) {
    case "WaitingForMembers":
      return Number(config.waitingForMembersExtraMs);
    case "Warmup":
      return Number(config.warmupMs);
    case "RoundTrain":
      return Number(config.maxRoundTrainMs);
    case "RoundWitness":
      return Number(config.roundWitnessMs);
    case "Cooldown":
      return Number(config.cooldownMs);
    case "Uninitialized":
    case "Finished":
    case "Paused":
      return null;
    default:
      return runState satisfies never;
  }
}
