/**
 * How an engine is to train on this machine, beyond what the run itself decides: what the options `--kernel-profile`,
 * `--micro-batch-size` and their like come to. Crosses to the engine's thread, so it is plain data.
 */
import type { KernelProfile } from "@starling/shaders";
import type { MatformerPart } from "../model/matformer.ts";

export interface EngineSettings {
  profile: KernelProfile | "auto";
  /** sequences in one forward and backward pass; a batch is cut into such pieces */
  microBatchSequences: number;
  /** what of the model is trained here, and held; left out: all */
  matformer?: MatformerPart;
}
