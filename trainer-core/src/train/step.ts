/**
 * Trains a Llama on one device: gradients of a batch in micro-batches, clipping, AdamW, evaluation. Everything is allocated and
 * compiled at create; a step then only uploads tokens, submits prebuilt dispatches and waits for the loss.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device } from "../device/device.ts";
import { LlamaPlan, MAX_MICRO_BATCHES, type MicroBatchShape } from "../model/llamaPlan.ts";
import { llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { AdamW, type AdamWSettings } from "../optim/adamW.ts";
import { GradientClip } from "../optim/gradientClip.ts";
import { TrainError } from "./errors.ts";

export interface BatchResult {
  /** mean cross-entropy, nats a target, over the micro-batches whose loss is finite; NaN when none is */
  loss: number;
  /** input tokens */
  tokens: number;
  /** positions with a target */
  targets: number;
  /** micro-batches whose loss was not finite and is left out of `loss` */
  nonFiniteMicroBatches: number;
}

type Sequences = readonly Int32Array[];

export class LlamaTrainer {
  readonly device: Device;
  readonly config: LlamaConfig;
  readonly parameters: ParameterSet;
  readonly plan: LlamaPlan;
  readonly #clip: GradientClip;
  readonly #microTokens: Int32Array<ArrayBuffer>;
  readonly #microLabels: Int32Array<ArrayBuffer>;
  readonly #microTargets: number[] = [];
  #adamW: Promise<AdamW> | null = null;

  private constructor(device: Device, config: LlamaConfig, parameters: ParameterSet, plan: LlamaPlan, clip: GradientClip) {
    this.device = device;
    this.config = config;
    this.parameters = parameters;
    this.plan = plan;
    this.#clip = clip;
    this.#microTokens = new Int32Array(plan.rows);
    this.#microLabels = new Int32Array(plan.rows);
  }

  /** Parameters start at zero: `load` them. Errors: DeviceError (too-large, wgsl). */
  static async create(device: Device, config: LlamaConfig, shape: MicroBatchShape): Promise<LlamaTrainer> {
    const parameters = new ParameterSet(device, llamaParameters(config));
    const [plan, clip] = await Promise.all([LlamaPlan.create(device, parameters, config, shape), GradientClip.create(device, parameters)]);
    return new LlamaTrainer(device, config, parameters, plan, clip);
  }

  /** Writes master and compute copies of every parameter. Throws RangeError on a missing or wrongly sized tensor. */
  load(weights: ParameterMap): void {
    for (const { name } of this.parameters.parameters) {
      const tensor = weights.get(name);
      if (!tensor) throw new RangeError(`the weights have no tensor ${name}`);
      this.parameters.write("master", name, tensor.data);
    }
    this.parameters.copyMasterToCompute();
  }

  /**
   * Gradient of the mean loss over all targets of the batch, in place of the previous gradient. `sequences`: each of
   * sequenceTokens tokens; `labels` (default: the tokens themselves) aligned with them: position t predicts labels[t + 1],
   * -100 counts for nothing. Waits for the loss alone. Errors: TrainError (bad-sequence, bad-label, too-many-sequences, no-targets).
   */
  async computeGradients(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    const targets = this.#check(sequences, labels);
    this.parameters.clearGradients();
    return this.#runBatch(sequences, labels, targets, () => this.plan.runForwardBackward());
  }

  /** Mean loss of the batch; gradients stay as they are. Errors as `computeGradients`. */
  async evaluate(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    const targets = this.#check(sequences, labels);
    return this.#runBatch(sequences, labels, targets, () => this.plan.runForwardLoss());
  }

  /** Logits (n, tokens, vocabulary) of at most one micro-batch of n sequences. For tests and sampling. */
  async logits(sequences: Sequences): Promise<Float32Array<ArrayBuffer>> {
    this.#check(sequences, sequences);
    const { microBatchSequences, sequenceTokens } = this.plan.shape;
    if (sequences.length > microBatchSequences) {
      throw new TrainError(
        "too-many-sequences",
        `logits takes at most one micro-batch of ${microBatchSequences} sequences, got ${sequences.length}`,
      );
    }
    this.#fillMicroBatch(sequences, sequences, 0);
    this.plan.upload(this.#microTokens, this.#microLabels, 0, 0);
    return (await this.plan.readLogits()).subarray(0, sequences.length * sequenceTokens * this.config.vocabSize);
  }

  /** Queued: scales all gradients so that their global L2 norm is at most `maxNorm`; 0 only measures. */
  clip(maxNorm: number): void {
    this.#clip.run(maxNorm);
  }

  /** The norm that the last `clip` found, before clipping. */
  readGradientNorm(): Promise<number> {
    return this.#clip.readNorm();
  }

  /** Allocates AdamW's moments and compiles its kernel, so that the first step does not wait. */
  async prepareAdamW(): Promise<void> {
    await (this.#adamW ??= AdamW.create(this.device, this.parameters));
  }

  /** One AdamW step from the current gradients, queued. */
  async adamWStep(settings: AdamWSettings): Promise<void> {
    (await (this.#adamW ??= AdamW.create(this.device, this.parameters))).step(settings);
  }

  async dispose(): Promise<void> {
    (await this.#adamW)?.dispose();
    this.#clip.dispose();
    this.plan.dispose();
    this.parameters.dispose();
  }

  async #runBatch(sequences: Sequences, labels: Sequences, targets: number, run: () => void): Promise<BatchResult> {
    const { microBatchSequences, sequenceTokens } = this.plan.shape;
    const microBatches = Math.ceil(sequences.length / microBatchSequences);
    for (let n = 0; n < microBatches; n++) {
      this.#microTargets[n] = this.#fillMicroBatch(sequences, labels, n * microBatchSequences);
      this.plan.upload(this.#microTokens, this.#microLabels, 1 / targets, n);
      run();
    }
    const sums = await this.plan.readLossSums(microBatches);
    let lossSum = 0;
    let counted = 0;
    let nonFiniteMicroBatches = 0;
    for (let n = 0; n < microBatches; n++) {
      if (Number.isFinite(sums[n])) {
        lossSum += sums[n];
        counted += this.#microTargets[n];
      } else nonFiniteMicroBatches++;
    }
    return { loss: lossSum / counted, tokens: sequences.length * sequenceTokens, targets, nonFiniteMicroBatches };
  }

  /** Copies sequences from `first` on into the staging arrays; missing ones become token 0 without labels. Returns its targets. */
  #fillMicroBatch(sequences: Sequences, labels: Sequences, first: number): number {
    const { microBatchSequences, sequenceTokens } = this.plan.shape;
    let targets = 0;
    for (let b = 0; b < microBatchSequences; b++) {
      const at = b * sequenceTokens;
      if (first + b < sequences.length) {
        this.#microTokens.set(sequences[first + b], at);
        this.#microLabels.set(labels[first + b], at);
        targets += countTargets(labels[first + b]);
      } else {
        this.#microTokens.fill(0, at, at + sequenceTokens);
        this.#microLabels.fill(-100, at, at + sequenceTokens);
      }
    }
    return targets;
  }

  /** Every token would index GPU memory: bad ones are refused here. Returns the number of targets. */
  #check(sequences: Sequences, labels: Sequences): number {
    const { microBatchSequences, sequenceTokens } = this.plan.shape;
    const { vocabSize } = this.config;
    const most = microBatchSequences * MAX_MICRO_BATCHES;
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
}

/** Labels from position 1 on that are not -100: what the positions before them predict. */
function countTargets(labels: Int32Array): number {
  let count = 0;
  for (let t = 1; t < labels.length; t++) if (labels[t] >= 0) count++;
  return count;
}
