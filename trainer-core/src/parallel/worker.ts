/** Who computes the gradients of some of a batch's micro-batches: one device with the whole model, or several that share it. */
import type { Dispatch } from "../device/device.ts";
import type { MicroBatchStaging } from "../train/batch.ts";

export interface MicroBatch {
  staging: MicroBatchStaging;
  /** gradients are multiplied by it: usually 1 / targets of the whole batch */
  gradientScale: number;
  /** where the sum of its losses goes */
  slot: number;
}

export interface Worker {
  /** of its first device, for one forward and backward pass */
  readonly dispatches: readonly Dispatch[];
  clearGradients(): void;
  /** Takes the micro-batch from the staging arrays before the first wait. `train`: adds to the gradients. */
  run(microBatch: MicroBatch, train: boolean): Promise<void>;
  /** Sums of losses of slots 0 to count - 1. */
  readLossSums(count: number): Promise<Float32Array>;
  dispose(): void;
}
