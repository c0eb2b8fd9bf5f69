/**
 * Dynamic loss scaling (Micikevicius et al. 2018, Mixed Precision Training): gradients of activations are stored as halves, whose range
 * is small, so the loss is multiplied by a power of two that keeps them within it, and the weights' gradients, f32, are divided by it.
 *
 * The scale is kept for one target, not for the mean over a batch: what is stored has the size of one target's gradient, however large
 * the batch. A batch whose gradient is not finite is run again at a smaller scale, because a result is due in its round.
 */
export interface LossScaleState {
  /** factor on one target's loss, a power of two */
  perTarget: number;
  /** batches since it last changed */
  cleanBatches: number;
}

/** Gradients of a target's logits are at most this: beyond them weights of about 0.02 keep the rest near 1. */
export const START_PER_TARGET = 128;
const MOST_PER_TARGET = 2 ** 15;
/** Each doubling may cost a batch that runs twice. */
export const BATCHES_TO_DOUBLE = 200;

export const LOSS_SCALE_START: LossScaleState = { perTarget: START_PER_TARGET, cleanBatches: 0 };

/** The factor on the mean loss over `targets`, a power of two so that dividing by it is exact; at least 1. */
export function lossScaleOf({ perTarget }: LossScaleState, targets: number): number {
  return Math.max(1, perTarget * 2 ** Math.ceil(Math.log2(targets)));
}

/** After a batch whose gradient was finite. */
export function afterClean({ perTarget, cleanBatches }: LossScaleState): LossScaleState {
  if (cleanBatches + 1 < BATCHES_TO_DOUBLE) return { perTarget, cleanBatches: cleanBatches + 1 };
  return { perTarget: Math.min(MOST_PER_TARGET, 2 * perTarget), cleanBatches: 0 };
}

/** After the nth run (from 1) of one batch whose gradient was not: a half, then faster, 1/4, 1/16, 1/256, so that runs are few. */
export function afterOverflow({ perTarget }: LossScaleState, run: number): LossScaleState {
  return { perTarget: perTarget / 2 ** (2 ** (run - 1)), cleanBatches: 0 };
}

export interface ScaledRun {
  /** the forward pass, which no scale changes */
  lossIsFinite: boolean;
  gradientIsFinite: boolean;
}

/** The scale of one trainer, over its batches. */
export class LossScale {
  /** null: f32, always 1 */
  #state: LossScaleState | null;

  constructor(isDynamic: boolean) {
    this.#state = isDynamic ? LOSS_SCALE_START : null;
  }

  get state(): LossScaleState | null {
    return this.#state;
  }

  /** What another trainer of the same model came to. */
  restore(state: LossScaleState | null): void {
    if (this.#state !== null) this.#state = state;
  }

  /** What the next batch of `targets` begins with. */
  of(targets: number): number {
    return this.#state === null ? 1 : lossScaleOf(this.#state, targets);
  }

  /**
   * `attempt` runs the batch with its loss times `scale` and divides the gradient by it; it is repeated while only the scale can be to
   * blame. Returns the last run, whose gradient may not be finite.
   */
  async run<T extends ScaledRun>(targets: number, attempt: (scale: number) => Promise<T>): Promise<T> {
    const before = this.#state;
    for (let run = 1; ; run++) {
      const scale = this.of(targets);
      const result = await attempt(scale);
      if (this.#state === null || !result.lossIsFinite) return result;
      if (result.gradientIsFinite) {
        this.#state = afterClean(this.#state);
        return result;
      }
      if (scale === 1) {
        // the batch is to blame: were the next ones run at 1, their small gradients would be lost for thousands of batches
        this.#state = afterOverflow(before!, 1);
        return result;
      }
      this.#state = afterOverflow(this.#state, run);
    }
  }
}
