/** The coordinator's state as events: one at each change of phase, step or head count. */
import type { CoordinatorState } from "@starling/sdk";
import type { HostLog } from "../events.ts";

/** Returns a function that takes every newer state, with the number of the run's members. */
export function phaseTeller(log: HostLog): (state: CoordinatorState, members: number) => void {
  let last = "";
  return ({ runState, epoch, step, epochStartStep, lastStep, config, clients }, members) => {
    const live = clients.filter((c) => c.state === "Healthy").length;
    const key = `${runState} ${epoch} ${step} ${live} ${members}`;
    if (key === last) return;
    last = key;
    // the two rounds that drain are rounds of the epoch too
    const epochRounds = lastStep > 0 ? lastStep - epochStartStep : config.roundsPerEpoch > 0 ? config.roundsPerEpoch + 2 : 0;
    log({
      type: "phase",
      runState,
      epoch,
      step,
      round: step - epochStartStep + 1,
      epochRounds,
      live,
      pending: members,
      wanted: config.initMinClients,
    });
  };
}
