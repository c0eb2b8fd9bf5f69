/** What one client of a run does in a round: its share of the run's own data, the results of its peers, the run's settings. */
import type { RunConfig } from "@starling/config";
import { loadRunConfig, localDataDirectory } from "@starling/config/presets.node";
import { learningRate } from "@starling/sdk/schedule";
import { createDataProvider } from "@starling/trainer-core/data/createDataProvider";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import type { BeginRound } from "@starling/trainer-core/round/ports";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";

export interface Workload {
  runId: string;
  runConfig: RunConfig;
  plan: RunPlan;
  /** clients of the imagined run: each trains 1/clients of the global batch, and as many results are applied */
  clients: number;
  microBatchSequences: number;
  /** sequences of one client's batch */
  batchSequences: number;
  parameters: number;
  /** One client's batch of `round`, from the run's data. */
  batch(round: number): Promise<Int32Array[]>;
  learningRate(round: number): number;
  /** What `round` begins with when it applies `results`. */
  beginRound(round: number, results: readonly Uint8Array[]): BeginRound;
}

/** Rounds are counted from here on in the schedule, so that it is past its warm-up, where lr is 0 and nothing would move. */
const FIRST_STEP = 1000;

/** Errors: ConfigError, TrainError unsupported, DataError. */
export function loadWorkload(configPath: string, clients: number, microBatchSequences: number): Workload {
  const { config, runId, dataDirectory } = loadRunConfig(configPath, process.cwd());
  const plan = runPlan(config);
  const local = localDataDirectory(config, dataDirectory);
  const data = createDataProvider(local === null ? config.model.LLM.data_location : { Local: local }, {
    maxSeqLen: plan.sequenceTokens,
    vocabSize: plan.llama.vocabSize,
    localFiles,
  });
  const batchSequences = Math.ceil(config.config.global_batch_size_start / clients);
  const rate = (round: number) => learningRate(plan.schedule, FIRST_STEP + round);
  return {
    runId,
    runConfig: config,
    plan,
    clients,
    microBatchSequences,
    batchSequences,
    parameters: plan.layouts.reduce((sum, { elements }) => sum + elements, 0),
    batch: (round) => data.getSequences(BigInt(round * batchSequences), BigInt((round + 1) * batchSequences - 1)),
    learningRate: rate,
    beginRound: (round, results) => ({
      results,
      applyLearningRate: rate(round),
      decayLearningRate: rate(round),
      pipeline: plan.pipeline,
      lookaheadLearningRate: plan.pipeline === "overlapped" ? rate(round - 1) : null,
    }),
  };
}
