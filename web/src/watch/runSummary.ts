/** A line of the list out of the machine's `Run` alone, which is all that a chain need be asked for. Pure. */
import { setBits } from "@starling/sdk/stateCodec";
import { Struct } from "@starling/sdk/struct";
import { type CoordinatorState, RUN_STATES, type RunState } from "@starling/sdk/types";
import { phaseLimitMs } from "@starling/sdk/phaseLimit";
import type { RunKey, RunSummary } from "./protocol.ts";
import { phaseTimes, waitingCount } from "./phaseTimes.ts";

export interface SummaryNames {
  key: RunKey;
  name: string;
  description: string;
  createdMs: number | null;
  loss: number | null;
  tokensPerSecond: number | null;
}

/** `run`: the machine's part of a Run account; null before the first configuration. */
export function summaryOfRun(names: SummaryNames, run: Uint8Array | null, offsetMs: number): RunSummary {
  if (run === null) {
    return {
      ...names,
      ...{ runState: "Uninitialized", pendingPause: false, epoch: 0, step: 0, totalSteps: 0, live: 0, waiting: 0, initMinClients: 0 },
      ...{ phaseEndsMs: null, earningRate: 0n },
    };
  }
  const struct = new Struct("Run", run);
  const config = struct.nested("config", "Config");
  const runState: RunState = RUN_STATES[struct.number("run_state")] ?? "Uninitialized";
  const waiting = struct.number("pending_len") + struct.number("carried_len");
  const initMinClients = config.number("init_min_clients");
  const limits = {
    warmupMs: config.bigint("warmup_ms"),
    cooldownMs: config.bigint("cooldown_ms"),
    maxRoundTrainMs: config.bigint("max_round_train_ms"),
    roundWitnessMs: config.bigint("round_witness_ms"),
    waitingForMembersExtraMs: config.bigint("waiting_for_members_extra_ms"),
  } as CoordinatorState["config"];
  const limitMs = runState === "WaitingForMembers" && waiting < initMinClients ? null : phaseLimitMs({ runState, config: limits });
  return {
    ...names,
    runState,
    pendingPause: struct.number("pending_pause") !== 0,
    epoch: struct.number("epoch"),
    step: struct.number("step"),
    totalSteps: config.number("total_steps"),
    live: setBits(struct.bytes("live")).length,
    waiting,
    initMinClients,
    phaseEndsMs: limitMs === null ? null : Number(struct.bigint("run_state_started_ms")) - offsetMs + limitMs,
    earningRate: config.bigint("earning_rate_total_shared"),
  };
}

export function summaryOfState(names: SummaryNames, state: CoordinatorState, offsetMs: number): RunSummary {
  return {
    ...names,
    runState: state.runState,
    pendingPause: state.pendingPause,
    epoch: state.epoch,
    step: state.step,
    totalSteps: state.config.totalSteps,
    live: state.clients.filter(({ state: of }) => of === "Healthy").length,
    waiting: waitingCount(state),
    initMinClients: state.config.initMinClients,
    phaseEndsMs: phaseTimes(state, offsetMs).endsMs,
    earningRate: state.config.earningRateTotalShared,
  };
}
