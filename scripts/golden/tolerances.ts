/** How far a golden Llama's quantities may be off, by profile. */
import type { KernelProfile } from "@starling/shaders";

export interface LlamaTolerances {
  /** absolute */
  logits: number;
  meanLoss: number;
  /** one target's loss carries the rounding of its own logits */
  targetLoss: number;
  /** of the tensor's largest value */
  gradients: number;
  /** relative */
  norms: number;
  /** absolute, after `steps` steps at the learning rate */
  parametersP999: (learningRate: number, steps: number) => number;
}

/** As the golden data's README has them. */
const F32: LlamaTolerances = {
  logits: 1e-4,
  meanLoss: 1e-5,
  targetLoss: 1e-4,
  gradients: 1e-4,
  norms: 1e-4,
  parametersP999: () => 2e-6,
};

/**
 * Profile tensor rounds both operands of each product to a half, off by at most 2^-11 of itself; sums are f32. On the way to a logit
 * lie up to 9 products one after the other (4 a layer, the head), so 18 such roundings, independent: 18^0.5 * 2^-11 = 2e-3 of its
 * size. Logits here have a root mean square of 1 and thousands of them are compared, so 5 times that. Backward doubles the way.
 * A mean over some 50 targets is off by less than one target by 50^0.5; a norm likewise. AdamW divides by the gradient's own size:
 * where that is near 0 its sign may change, which moves a parameter by up to two learning rates a step; the 99.9th percentile
 * stays within a fiftieth of it.
 */
const TENSOR: LlamaTolerances = {
  logits: 1e-2,
  meanLoss: 1.5e-3,
  targetLoss: 1e-2,
  gradients: 1e-2,
  norms: 1.5e-3,
  parametersP999: (learningRate, steps) => (2 * learningRate * steps) / 50,
};

export const llamaTolerances = (profile: KernelProfile): LlamaTolerances => (profile === "tensor" ? TENSOR : F32);
