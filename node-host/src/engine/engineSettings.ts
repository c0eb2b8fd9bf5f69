/** The options of everyone who trains, as the engine takes them. */
import type { EngineSettings } from "@starling/trainer-core/train/engineSettings";
import type { TrainingOptions } from "../compose.ts";

/** The options of those who train that an engine depends on. */
export type EngineChoices = Pick<
  TrainingOptions,
  "kernelProfile" | "precision" | "microBatchSize" | "activationRecomputation" | "dataParallelism" | "tensorParallelism"
>;

export function engineSettings(options: EngineChoices): EngineSettings {
  const { kernelProfile, precision, microBatchSize, activationRecomputation, dataParallelism, tensorParallelism } = options;
  return {
    profile: kernelProfile,
    precision,
    microBatchSequences: microBatchSize ?? "auto",
    recomputation: activationRecomputation,
    dataParallelism,
    tensorParallelism,
  };
}
