/** The coordinator's state as events: one at each change of phase, step or head count. */
import { DRAIN_ROUNDS } from "@starling/config";
import type { CoordinatorState } from "@starling/sdk";
import { phaseLimitMs } from "@starling/sdk/phaseLimit";
import type { HostLog } from "../events.ts";

/** Returns a function that takes every newer state, with the number of the run's members. */
export function phaseTeller(log: HostLog, nowMs: () => number = Date.now): (state: CoordinatorState, members: number) => void {
  let last = "";
  let phase: { key: string; startedAtMs: number } | null = null;
  return (state, members) => {
    const { runState, epoch, step, epochStartStep, lastStep, config, clients, rounds } = state;
    const live = clients.filter((c) => c.state === "Healthy").length;
    const phaseKey = `${runState} ${epoch} ${step}`;
    // a phase seen to begin began now, by this clock; of the one found running only the coordinator's clock knows
    if (phase?.key !== phaseKey) phase = { key: phaseKey, startedAtMs: phase === null ? Number(state.runStateStartedMs) : nowMs() };
    const key = `${phaseKey} ${live} ${members}`;
    if (key === last) return;
    last = key;
    const isWaited = runState !== "WaitingForMembers" || members >= config.initMinClients;
    const limitMs = isWaited ? phaseLimitMs(state) : null;
    const round = runState === "RoundTrain" || runState === "RoundWitness" ? rounds.at(-1) : undefined;
    log({
      type: "phase",
      runState,
      epoch,
      step,
      round: step - epochStartStep + 1,
      epochRounds: lastStep > 0 ? lastStep - epochStartStep : config.roundsPerEpoch > 0 ? config.roundsPerEpoch + DRAIN_ROUNDS : 0,
      live,
      pending: members,
      wanted: config.initMinClients,
      startedAtMs: phase.startedAtMs,
      endsAtMs: limitMs === null ? null : phase.startedAtMs + limitMs,
      roundTokens: round && !round.drain ? round.batchSize * config.maxSeqLen : 0,
    });
  };
}
