import type { RunConfig } from "./runConfig.ts";

/**
 * The integers the coordinator's state machine works with: times in milliseconds, shares in basis points (1/10,000).
 * The same shape as `MachineConfig` of @starling/sdk; this room imports nothing of ours, so it is written here again.
 */
export interface MachineConfigValues {
  warmupMs: bigint;
  cooldownMs: bigint;
  maxRoundTrainMs: bigint;
  roundWitnessMs: bigint;
  epochMs: bigint;
  waitingForMembersExtraMs: bigint;
  globalBatchSizeWarmupTokens: bigint;
  roundsPerEpoch: number;
  totalSteps: number;
  initMinClients: number;
  minClients: number;
  witnessNodes: number;
  globalBatchSizeStart: number;
  globalBatchSizeEnd: number;
  maxSeqLen: number;
  coldStartWarmupSteps: number;
  verificationPercent: number;
  resultShareBps: number;
  stragglerGraceBps: number;
  earningRateTotalShared: bigint;
  slashingRatePerClient: bigint;
}

/** Converts a checked config. Exact: the schema admits only whole milliseconds and whole basis points. */
export function toMachineConfig({ config, model }: RunConfig): MachineConfigValues {
  return {
    warmupMs: milliseconds(config.warmup_time),
    cooldownMs: milliseconds(config.cooldown_time),
    maxRoundTrainMs: milliseconds(config.max_round_train_time),
    roundWitnessMs: milliseconds(config.round_witness_time),
    epochMs: milliseconds(config.epoch_time),
    waitingForMembersExtraMs: milliseconds(config.waiting_for_members_extra_time),
    globalBatchSizeWarmupTokens: BigInt(config.global_batch_size_warmup_tokens),
    roundsPerEpoch: config.rounds_per_epoch,
    totalSteps: config.total_steps,
    initMinClients: config.init_min_clients,
    minClients: config.min_clients,
    witnessNodes: config.witness_nodes,
    globalBatchSizeStart: config.global_batch_size_start,
    globalBatchSizeEnd: config.global_batch_size_end,
    maxSeqLen: model.LLM.max_seq_len,
    coldStartWarmupSteps: model.LLM.cold_start_warmup_steps,
    verificationPercent: config.verification_percent,
    resultShareBps: Math.round(config.result_share * 10_000),
    stragglerGraceBps: Math.round(config.straggler_grace * 10_000),
    earningRateTotalShared: BigInt(config.earning_rate_total_shared),
    slashingRatePerClient: BigInt(config.slashing_rate_per_client),
  };
}

function milliseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1000));
}
