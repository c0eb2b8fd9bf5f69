/** When a run's phase began and must end, and who waits for the next epoch: what the list shows too. Pure. */
import { phaseLimitMs } from "@starling/sdk/phaseLimit";
import type { CoordinatorState } from "@starling/sdk/types";

/** On this machine's clock. What has to happen first, and is not there, ends by no clock. */
export function phaseTimes(state: CoordinatorState, offsetMs: number): { startedMs: number | null; endsMs: number | null } {
  const { runState, config } = state;
  if (runState === "Uninitialized") return { startedMs: null, endsMs: null };
  const startedMs = Number(state.runStateStartedMs) - offsetMs;
  const isWaited = runState !== "WaitingForMembers" || waitingCount(state) >= config.initMinClients;
  const limitMs = isWaited ? phaseLimitMs(state) : null;
  return { startedMs, endsMs: limitMs === null ? null : startedMs + limitMs };
}

/** Those who will be in the next epoch: who waits, and who stays. */
export function waitingCount(state: CoordinatorState): number {
  return state.pending.length + state.clients.filter(({ state: of, carried }) => of === "Healthy" && carried).length;
}
