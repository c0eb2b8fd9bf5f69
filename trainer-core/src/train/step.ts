/**
 * Trains a Llama on one device: gradients of a batch in micro-batches, clipping, AdamW, evaluation. Everything is allocated and
 * compiled at create; a step then only uploads tokens, submits prebuilt dispatches and waits for the loss.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { F32_STORAGES } from "@starling/shaders/kernels/storage";
import type { Device, Dispatch } from "../device/device.ts";
import { LlamaPlan, MAX_MICRO_BATCHES, type MicroBatchShape } from "../model/llamaPlan.ts";
import { tierConfig, WHOLE_MODEL } from "../model/matformer.ts";
import { llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { AdamW, type AdamWSettings } from "../optim/adamW.ts";
import { GradientClip } from "../optim/gradientClip.ts";
import { GradientUnscale } from "../optim/gradientUnscale.ts";
import { LossScale, type LossScaleState } from "../optim/lossScale.ts";
import { checkBatch, LossMean, MicroBatchStaging } from "./batch.ts";
import { TrainError } from "./errors.ts";
import type { BatchResult, GradientTrainer, Sequences } from "./gradientTrainer.ts";
import { loadParameters } from "./loadParameters.ts";

export class LlamaTrainer implements GradientTrainer {
  readonly device: Device;
  /** the model that `parameters` are; of a MatFormer tier above 0 `plan` trains the first part of it */
  readonly config: LlamaConfig;
  readonly parameters: ParameterSet;
  readonly plan: LlamaPlan;
  readonly #clip: GradientClip;
  readonly #unscale: GradientUnscale;
  readonly #lossScale: LossScale;
  readonly #staging: MicroBatchStaging;
  readonly #microTargets: number[] = [];
  #adamW: Promise<AdamW> | null = null;

  private constructor(
    device: Device,
    config: LlamaConfig,
    parameters: ParameterSet,
    plan: LlamaPlan,
    clip: GradientClip,
    unscale: GradientUnscale,
  ) {
    this.device = device;
    this.config = config;
    this.parameters = parameters;
    this.plan = plan;
    this.#clip = clip;
    this.#unscale = unscale;
    // the tensor profile multiplies halves whatever the storage
    this.#lossScale = new LossScale(device.profile === "tensor" || (plan.shape.storages ?? F32_STORAGES).activations !== "f32");
    this.#staging = new MicroBatchStaging(plan.shape.microBatchSequences, plan.shape.sequenceTokens);
  }

  /** Parameters start at zero: `load` them. Errors: DeviceError (too-large, wgsl). */
  static async create(device: Device, config: LlamaConfig, shape: MicroBatchShape): Promise<LlamaTrainer> {
    const { tier, sliced } = shape.matformer ?? WHOLE_MODEL;
    const trained = tierConfig(config, tier);
    const { weights } = shape.storages ?? F32_STORAGES;
    const parameters = await ParameterSet.create(device, llamaParameters(sliced ? trained : config), weights, shape.tileChunk);
    const [plan, clip, unscale] = await Promise.all([
      LlamaPlan.create(device, parameters, trained, shape),
      GradientClip.create(device, parameters),
      GradientUnscale.create(device, parameters),
    ]);
    return new LlamaTrainer(device, config, parameters, plan, clip, unscale);
  }

  get lossScale(): LossScaleState | null {
    return this.#lossScale.state;
  }

  set lossScale(state: LossScaleState | null) {
    this.#lossScale.restore(state);
  }

  get microBatchSequences(): number {
    return this.plan.shape.microBatchSequences;
  }

  get sequenceTokens(): number {
    return this.plan.shape.sequenceTokens;
  }

  get dispatches(): readonly Dispatch[] {
    const { forward, head, backward } = this.plan.phases;
    return [...forward, ...head, ...backward];
  }

  /** Writes master and compute copies of every parameter. Throws RangeError on a missing or wrongly sized tensor. */
  load(weights: ParameterMap): void {
    loadParameters(this.parameters, weights);
  }

  /**
   * Gradient of the mean loss over all targets of the batch, in place of the previous gradient. `sequences`: each of
   * sequenceTokens tokens; `labels` (default: the tokens themselves) aligned with them: position t predicts labels[t + 1],
   * -100 counts for nothing. Waits for the losses alone. Errors: TrainError (bad-sequence, bad-label, too-many-sequences, no-targets).
   */
  async computeGradients(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    const targets = this.#check(sequences, labels);
    const { result } = await this.#lossScale.run(targets, (scale) => this.#attempt(sequences, labels, targets, scale));
    if (!result.gradientIsFinite) this.parameters.clearGradients();
    return result;
  }

  /** Mean loss of the batch; gradients stay as they are. Errors as `computeGradients`. */
  async evaluate(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    const targets = this.#check(sequences, labels);
    const microBatches = this.#queue(sequences, labels, 0, () => this.plan.runForwardLoss());
    return this.#lossMean(await this.plan.readLossSums(microBatches), microBatches).result(tokensOf(sequences), targets);
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
    this.#staging.fill(sequences, sequences, 0);
    this.plan.upload(this.#staging.tokens, this.#staging.labels, 0, 0);
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
    this.#unscale.dispose();
    this.plan.dispose();
    this.parameters.dispose();
  }

  /** The gradient of the batch with its loss times `scale`, and without it again. */
  async #attempt(sequences: Sequences, labels: Sequences, targets: number, scale: number) {
    this.parameters.clearGradients();
    const microBatches = this.#queue(sequences, labels, scale / targets, () => this.plan.runForwardBackward());
    this.#unscale.run(scale);
    this.#unscale.reportTo(this.plan.lossSums, microBatches * 4);
    const sums = await this.plan.readLossSums(microBatches + 1);
    const gradientIsFinite = sums[microBatches] === 0;
    const mean = this.#lossMean(sums, microBatches);
    const result = mean.result(tokensOf(sequences), targets, gradientIsFinite);
    return { lossIsFinite: mean.isFinite, gradientIsFinite, result };
  }

  /** Queues `run` for each micro-batch; returns how many those are. */
  #queue(sequences: Sequences, labels: Sequences, gradientScale: number, run: () => void): number {
    const { microBatchSequences } = this.plan.shape;
    const microBatches = Math.ceil(sequences.length / microBatchSequences);
    for (let n = 0; n < microBatches; n++) {
      this.#microTargets[n] = this.#staging.fill(sequences, labels, n * microBatchSequences);
      this.plan.upload(this.#staging.tokens, this.#staging.labels, gradientScale, n);
      run();
    }
    return microBatches;
  }

  #lossMean(sums: ArrayLike<number>, microBatches: number): LossMean {
    const mean = new LossMean();
    for (let n = 0; n < microBatches; n++) mean.add(sums[n], this.#microTargets[n]);
    return mean;
  }

  #check(sequences: Sequences, labels: Sequences): number {
    const { microBatchSequences, sequenceTokens } = this.plan.shape;
    const { vocabSize } = this.config;
    return checkBatch(sequences, labels, { microBatchSequences, sequenceTokens, vocabSize, maxMicroBatches: MAX_MICRO_BATCHES });
  }
}

const tokensOf = (sequences: Sequences): number => sequences.length * sequences[0].length;
