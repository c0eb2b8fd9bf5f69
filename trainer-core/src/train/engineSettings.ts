/**
 * How an engine is to train on this machine, beyond what the run itself decides: what the options `--kernel-profile`,
 * `--micro-batch-size` and their like come to. Crosses to the engine's thread, so it is plain data.
 */
import type { KernelProfile } from "@starling/shaders";
import type { MatformerPart } from "../model/matformer.ts";
import type { Precision } from "./precision.ts";

export interface EngineSettings {
  profile: KernelProfile | "auto";
  /** what weights and activations are stored as; left out: f32 */
  precision?: Precision | "auto";
  /** sequences in one forward and backward pass; a batch is cut into such pieces. `auto`: as many as fit and are of use */
  microBatchSequences: number | "auto";
  /** keep only each layer's input and compute the rest again in backward; `auto`: only where the model would not fit otherwise. Default off */
  recomputation?: "off" | "on" | "auto";
  offer?: MemoryOffer;
  /** groups of devices that each hold the model; left out: one, or as many as `adapters` make */
  dataParallelism?: number;
  /** devices that share a model; left out: 1 */
  tensorParallelism?: number;
  /** names of adapters as Dawn has them; left out: the one that is found first. Several: one device on each */
  adapters?: readonly string[];
  /** what of the model is trained here, and held; left out: all */
  matformer?: MatformerPart;
}

/** What a host knows of the adapter's memory and of the work that will come. */
export interface MemoryOffer {
  /** what a client may take of the adapter; null: not known */
  adapterBytes: number | null;
  /** most sequences that this client is assigned in a round */
  shareSequences: number;
  /** most results that a round applies */
  batchesPerRound: number;
}
