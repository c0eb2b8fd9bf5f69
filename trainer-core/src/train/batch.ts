/** A batch on its way to the devices: checked, cut into micro-batches, and its losses put together again. */
import { TrainError } from "./errors.ts";
import type { BatchResult, Sequences } from "./gradientTrainer.ts";

export interface BatchShape {
  microBatchSequences: number;
  sequenceTokens: number;
  /** micro-batches a batch may have */
  maxMicroBatches: number;
  vocabSize: number;
}

/** Every token would index GPU memory: bad ones are refused here. Returns the number of targets. Errors: see `computeGradients`. */
export function checkBatch(sequences: Sequences, labels: Sequences, shape: BatchShape): number {
  const { microBatchSequences, sequenceTokens, vocabSize } = shape;
  const most = microBatchSequences * shape.maxMicroBatches;
  if (sequences.length < 1 || sequences.length > most) {
    throw new TrainError(
      "too-many-sequences",
      `a batch has 1 to ${most} sequences (micro-batches of ${microBatchSequences}), got ${sequences.length}`,
    );
  }
  if (labels.length !== sequences.length) {
    throw new TrainError("bad-label", `${sequences.length} sequences need as many label rows, got ${labels.length}`);
  }
  let targets = 0;
  for (const [n, tokens] of sequences.entries()) {
    if (tokens.length !== sequenceTokens || labels[n].length !== sequenceTokens) {
      const what = `sequence ${n} has ${tokens.length} tokens and ${labels[n].length} labels`;
      throw new TrainError("bad-sequence", `${what}; this trainer was made for ${sequenceTokens} of both`);
    }
    for (let t = 0; t < sequenceTokens; t++) {
      if (!(tokens[t] >= 0 && tokens[t] < vocabSize)) {
        throw new TrainError(
          "bad-sequence",
          `token ${tokens[t]} at position ${t} of sequence ${n} is outside the vocabulary of ${vocabSize}: does the data match the model's tokenizer?`,
        );
      }
      const label = labels[n][t];
      if (label >= vocabSize || (label < 0 && label !== -100)) {
        throw new TrainError("bad-label", `label ${label} at position ${t} of sequence ${n} must be -100 or a token below ${vocabSize}`);
      }
    }
    targets += countTargets(labels[n]);
  }
  if (targets === 0) throw new TrainError("no-targets", "no position of the batch has a target: every label is -100");
  return targets;
}

/** Labels from position 1 on that are not -100: what the positions before them predict. */
function countTargets(labels: Int32Array): number {
  let count = 0;
  for (let t = 1; t < labels.length; t++) if (labels[t] >= 0) count++;
  return count;
}

/** One micro-batch on the host, in arrays that are used again and again. */
export class MicroBatchStaging {
  /** (microBatchSequences, sequenceTokens) */
  readonly tokens: Int32Array<ArrayBuffer>;
  /** aligned with the tokens */
  readonly labels: Int32Array<ArrayBuffer>;
  readonly #microBatchSequences: number;
  readonly #sequenceTokens: number;

  constructor(microBatchSequences: number, sequenceTokens: number) {
    this.#microBatchSequences = microBatchSequences;
    this.#sequenceTokens = sequenceTokens;
    this.tokens = new Int32Array(microBatchSequences * sequenceTokens);
    this.labels = new Int32Array(microBatchSequences * sequenceTokens);
  }

  /** Copies sequences from `first` on; missing ones become token 0 without labels. Returns its targets. */
  fill(sequences: Sequences, labels: Sequences, first: number): number {
    const tokens = this.#sequenceTokens;
    let targets = 0;
    for (let b = 0; b < this.#microBatchSequences; b++) {
      const at = b * tokens;
      if (first + b < sequences.length) {
        this.tokens.set(sequences[first + b], at);
        this.labels.set(labels[first + b], at);
        targets += countTargets(labels[first + b]);
      } else {
        this.tokens.fill(0, at, at + tokens);
        this.labels.fill(-100, at, at + tokens);
      }
    }
    return targets;
  }
}

/** Adds up the losses of a batch's micro-batches, in their order; one that is not finite is counted, and left out of the mean. */
export class LossMean {
  #sum = 0;
  #counted = 0;
  #nonFinite = 0;

  /** `lossSum` of a micro-batch over its `targets`. */
  add(lossSum: number, targets: number): void {
    if (Number.isFinite(lossSum)) {
      this.#sum += lossSum;
      this.#counted += targets;
    } else this.#nonFinite++;
  }

  get isFinite(): boolean {
    return this.#nonFinite === 0;
  }

  result(tokens: number, targets: number, gradientIsFinite = true): BatchResult {
    return { loss: this.#sum / this.#counted, tokens, targets, nonFiniteMicroBatches: this.#nonFinite, gradientIsFinite };
  }
}
