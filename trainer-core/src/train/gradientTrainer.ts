/**
 * What trains a model, whatever it is spread over: one device (`LlamaTrainer`) or several (`../parallel`). Parameters live whole on
 * one device, the primary; the gradients of a batch end there, summed.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device, Dispatch } from "../device/device.ts";
import type { LossScaleState } from "../optim/lossScale.ts";
import type { ParameterSet } from "../model/parameterSet.ts";

export interface BatchResult {
  /** mean cross-entropy, nats a target, over the micro-batches whose loss is finite; NaN when none is */
  loss: number;
  /** input tokens */
  tokens: number;
  /** positions with a target */
  targets: number;
  /** micro-batches whose loss was not finite and is left out of `loss` */
  nonFiniteMicroBatches: number;
  /** false: the gradient of the batch was not finite at any loss scale, and is now zero */
  gradientIsFinite: boolean;
}

/** Sequences of equal length; their labels are rows of the same length. */
export type Sequences = readonly Int32Array[];

export interface GradientTrainer {
  /** the primary: where `parameters` are */
  readonly device: Device;
  readonly config: LlamaConfig;
  /** all tensors whole, in all copies; `computeGradients` reads `compute` and leaves `grad` */
  readonly parameters: ParameterSet;
  /** sequences of one forward and backward pass */
  readonly microBatchSequences: number;
  readonly sequenceTokens: number;
  /** of the batches so far, which the next one begins with; null: nothing is scaled */
  lossScale?: LossScaleState | null;
  /** every dispatch of a forward and backward pass on the primary, to time them */
  readonly dispatches: readonly Dispatch[];

  /**
   * Gradient of the mean loss over all targets of the batch, in place of the previous gradient. `sequences`: each of
   * sequenceTokens tokens; `labels` (default: the tokens themselves) aligned with them: position t predicts labels[t + 1],
   * -100 counts for nothing. Where activations are halves, the batch is run again at a smaller loss scale if its gradient overflows;
   * what is left is the gradient itself, without the scale. Errors: TrainError (bad-sequence, bad-label, too-many-sequences, no-targets).
   */
  computeGradients(sequences: Sequences, labels?: Sequences): Promise<BatchResult>;
  /** Mean loss of the batch; gradients stay as they are. Errors as `computeGradients`. */
  evaluate(sequences: Sequences, labels?: Sequences): Promise<BatchResult>;
  /** Queued: scales all gradients so that their global L2 norm is at most `maxNorm`; 0 only measures. */
  clip(maxNorm: number): void;
  /** The norm that the last `clip` found, before clipping. */
  readGradientNorm(): Promise<number>;
  dispose(): Promise<void>;
}
