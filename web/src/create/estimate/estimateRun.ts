/**
 * What a run takes of its clients, worked out from its config by the plan that trains it. Lazy: it brings the engine's plan with it.
 * Figures of time are rough, they rest on the speed that is assumed; sizes are exact.
 */
import { DRAIN_ROUNDS } from "@starling/config";
import type { RunConfig } from "@starling/config";
import { elementCount } from "@starling/trainer-core/model/parameters";
import { memoryEstimate } from "@starling/trainer-core/train/memoryEstimate";
import { runPlan } from "@starling/trainer-core/train/runPlan";

export interface Assumed {
  clients: number;
  /** of one client */
  tokensPerSecond: number;
  /** each way, of one client */
  bytesPerSecond: number;
  /** for what witnesses report and the coordinator decides, whatever is trained */
  agreementSeconds: number;
}

export interface Estimate {
  parameters: number;
  vocabSize: number;
  /** f32, as it is shared */
  modelBytes: number;
  /** of the adapter, one sequence at a time */
  adapterBytes: number;
  /** the largest buffer an adapter must bind at once; WebGPU promises 128 MiB */
  bindingBytes: number;
  /** one result, which every client makes once a round */
  resultBytes: number;
  sentBytesPerRound: number;
  receivedBytesPerRound: number;
  tokensPerRound: number;
  roundSeconds: number;
  /** of roundSeconds, the client's own training */
  trainSeconds: number;
  roundsPerEpoch: number;
  epochSeconds: number;
  /** no epoch takes longer, whatever its clients do */
  longestEpochSeconds: number;
  epochs: number;
  runSeconds: number;
}

/** Throws TrainError where the size is not known from the config alone, and for what Starling cannot train. */
export function estimateRun(config: RunConfig, { clients, tokensPerSecond, bytesPerSecond, agreementSeconds }: Assumed): Estimate {
  const plan = runPlan(config);
  const knobs = config.config;
  const parameters = plan.layouts.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const need = memoryEstimate(plan, 1, clients);
  const peers = Math.max(0, clients - 1);
  // the ramp's end is where a run spends its time
  const batch = knobs.global_batch_size_end;
  const tokensPerRound = batch * plan.sequenceTokens;
  const trainSeconds = (Math.ceil(batch / clients) * plan.sequenceTokens) / tokensPerSecond;
  const transferBytes = peers * plan.payloadBytes;
  const transferSeconds = transferBytes / bytesPerSecond;
  const working = plan.pipeline === "overlapped" ? Math.max(trainSeconds, transferSeconds) : trainSeconds + transferSeconds;
  const longestRound = knobs.max_round_train_time + knobs.round_witness_time;
  const roundSeconds = Math.min(working + agreementSeconds, longestRound);
  const untilTime = Math.max(1, Math.floor(Math.max(0, knobs.epoch_time - knobs.warmup_time) / Math.max(roundSeconds, 1e-3)));
  const roundsPerEpoch = knobs.rounds_per_epoch === 0 ? untilTime : Math.min(knobs.rounds_per_epoch, untilTime);
  const epochs = Math.ceil(knobs.total_steps / roundsPerEpoch);
  const epochSeconds = (roundsPerEpoch + DRAIN_ROUNDS) * roundSeconds + knobs.cooldown_time;
  return {
    parameters,
    vocabSize: plan.llama.vocabSize,
    modelBytes: 4 * parameters,
    adapterBytes: need.adapterBytes,
    bindingBytes: need.bindingBytes,
    resultBytes: plan.payloadBytes,
    sentBytesPerRound: transferBytes,
    receivedBytesPerRound: transferBytes,
    tokensPerRound,
    roundSeconds,
    trainSeconds,
    roundsPerEpoch,
    epochSeconds,
    longestEpochSeconds: knobs.epoch_time + DRAIN_ROUNDS * longestRound + knobs.cooldown_time,
    epochs,
    runSeconds: epochs * epochSeconds,
  };
}

/** What is shown on the chain of a model, where the config tells it. */
export function countModel(config: RunConfig): { numParameters: number; vocabSize: number } | undefined {
  try {
    const { layouts, llama } = runPlan(config);
    return { numParameters: layouts.reduce((sum, { shape }) => sum + elementCount(shape), 0), vocabSize: llama.vocabSize };
  } catch {
    return undefined;
  }
}

/** Tokens a second of one client at 6 floating-point operations a parameter and token; rough. */
export function tokensPerSecondOf(parameters: number, flops: number): number {
  return flops / (6 * parameters);
}
