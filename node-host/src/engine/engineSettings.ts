/** The options of everyone who trains, as the engine takes them. */
import type { EngineSettings } from "@starling/trainer-core/train/engineSettings";
import type { TrainingOptions } from "../compose.ts";

export function engineSettings({ kernelProfile, precision, microBatchSize, activationRecomputation }: TrainingOptions): EngineSettings {
  return { profile: kernelProfile, precision, microBatchSequences: microBatchSize ?? "auto", recomputation: activationRecomputation };
}
