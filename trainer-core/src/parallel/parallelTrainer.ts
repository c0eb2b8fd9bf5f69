/**
 * Trains one model on several devices of this process. Data parallelism deals micro-batches to groups that each hold the model, and adds
 * up their gradients; tensor parallelism lets the devices of a group hold and compute it together. The first device is the primary:
 * parameters live there whole, and whatever is done with the gradients is done there.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device, Dispatch } from "../device/device.ts";
import { F32_STORAGES } from "@starling/shaders/kernels/storage";
import { LlamaPlan, MAX_MICRO_BATCHES, type MicroBatchShape } from "../model/llamaPlan.ts";
import { tierConfig, WHOLE_MODEL } from "../model/matformer.ts";
import { llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { GradientClip } from "../optim/gradientClip.ts";
import { GradientUnscale } from "../optim/gradientUnscale.ts";
import { LossScale, type LossScaleState, type ScaledRun } from "../optim/lossScale.ts";
import { checkBatch, LossMean, MicroBatchStaging } from "../train/batch.ts";
import type { BatchResult, GradientTrainer, Sequences } from "../train/gradientTrainer.ts";
import { loadParameters } from "../train/loadParameters.ts";
import { ParallelError } from "./errors.ts";
import { shardPortion, shardShapes, wholePortion, WORKING_COPIES, type Portion } from "./portion.ts";
import type { Parallelism } from "./parallelism.ts";
import { Replica } from "./replica.ts";
import { assertDivisible } from "./shards.ts";
import { TensorGroup } from "./tensorGroup.ts";
import type { Worker } from "./worker.ts";

interface Parts {
  workers: readonly Worker[];
  portions: readonly Portion[];
  sets: readonly ParameterSet[];
  clip: GradientClip;
  unscale: GradientUnscale;
  /** some device multiplies or stores halves */
  isHalved: boolean;
}

export class ParallelTrainer implements GradientTrainer {
  readonly device: Device;
  readonly config: LlamaConfig;
  readonly parameters: ParameterSet;
  readonly microBatchSequences: number;
  readonly sequenceTokens: number;
  readonly #workers: readonly Worker[];
  readonly #portions: readonly Portion[];
  /** of the other devices, and of the primary's shard */
  readonly #sets: readonly ParameterSet[];
  readonly #clip: GradientClip;
  readonly #unscale: GradientUnscale;
  /** the first f32 says whether the gradients are finite */
  readonly #report: GPUBuffer;
  readonly #lossScale: LossScale;
  readonly #staging: MicroBatchStaging;
  readonly #targets: number[] = [];
  /** of the primary's compute weights that the others have, and how many of the groups have them */
  #distributed = { version: -1, groups: 0 };

  private constructor(config: LlamaConfig, parameters: ParameterSet, shape: MicroBatchShape, parts: Parts) {
    this.device = parameters.device;
    this.config = config;
    this.parameters = parameters;
    this.microBatchSequences = shape.microBatchSequences;
    this.sequenceTokens = shape.sequenceTokens;
    this.#workers = parts.workers;
    this.#portions = parts.portions;
    this.#sets = parts.sets;
    this.#clip = parts.clip;
    this.#unscale = parts.unscale;
    this.#report = this.device.buffer("gradients are finite", 4);
    this.#lossScale = new LossScale(parts.isHalved);
    this.#staging = new MicroBatchStaging(shape.microBatchSequences, shape.sequenceTokens);
  }

  /**
   * `devices`: parallelism.data groups of parallelism.tensor each, one group after the other; the first is the primary. Parameters
   * start at zero: `load` them. Errors: ParallelError (indivisible, too-few-devices), DeviceError (too-large, wgsl).
   */
  static async create(
    devices: readonly Device[],
    config: LlamaConfig,
    shape: MicroBatchShape,
    { data, tensor }: Parallelism,
  ): Promise<ParallelTrainer> {
    if (devices.length !== data * tensor) {
      throw new ParallelError(
        "too-few-devices",
        `data parallelism ${data} and tensor parallelism ${tensor} take ${data * tensor} devices, got ${devices.length}`,
      );
    }
    assertDivisible(config, tensor);
    const { weights, activations } = shape.storages ?? F32_STORAGES;
    const { tier, sliced } = shape.matformer ?? WHOLE_MODEL;
    if (tensor > 1 && (weights !== "f32" || activations !== "f32")) {
      throw new ParallelError("unsupported", "devices that share a model exchange and store f32: use --precision f32, or data parallelism");
    }
    if (tensor > 1 && tier > 0) {
      throw new ParallelError(
        "unsupported",
        `MatFormer tier ${tier} cannot be split over devices: use --matformer-tier 0, or data parallelism`,
      );
    }
    const [device] = devices;
    const trained = tierConfig(config, tier);
    const parameters = await ParameterSet.create(device, llamaParameters(sliced ? trained : config), weights, shape.tileChunk);
    const [clip, unscale] = await Promise.all([GradientClip.create(device, parameters), GradientUnscale.create(device, parameters)]);
    const isHalved = activations !== "f32" || devices.some(({ profile }) => profile === "tensor");
    const { workers, portions, sets } = await (tensor === 1
      ? replicate(devices, parameters, trained, shape)
      : split(devices, parameters, config, shape, tensor));
    return new ParallelTrainer(config, parameters, shape, { workers, portions, sets, clip, unscale, isHalved });
  }

  get lossScale(): LossScaleState | null {
    return this.#lossScale.state;
  }

  set lossScale(state: LossScaleState | null) {
    this.#lossScale.restore(state);
  }

  get dispatches(): readonly Dispatch[] {
    return this.#workers[0].dispatches;
  }

  /** Writes master and compute copies of every parameter. Throws RangeError on a missing or wrongly sized tensor. */
  load(weights: ParameterMap): void {
    loadParameters(this.parameters, weights);
  }

  async computeGradients(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    const targets = this.#check(sequences, labels);
    const { result } = await this.#lossScale.run(targets, (scale) => this.#attempt(sequences, labels, targets, scale));
    if (!result.gradientIsFinite) this.parameters.clearGradients();
    return result;
  }

  async evaluate(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    const targets = this.#check(sequences, labels);
    const mean = await this.#runBatch(sequences, labels, 0, false);
    return mean.result(sequences.length * this.sequenceTokens, targets);
  }

  clip(maxNorm: number): void {
    this.#clip.run(maxNorm);
  }

  readGradientNorm(): Promise<number> {
    return this.#clip.readNorm();
  }

  async dispose(): Promise<void> {
    for (const worker of this.#workers) worker.dispose();
    for (const portion of this.#portions) portion.dispose();
    for (const set of this.#sets) set.dispose();
    this.#clip.dispose();
    this.#unscale.dispose();
    this.#report.destroy();
    this.parameters.dispose();
  }

  /** Groups that get a micro-batch of this batch. */
  #groupsFor(sequences: Sequences): number {
    return Math.min(this.#workers.length, Math.ceil(sequences.length / this.microBatchSequences));
  }

  /** The gradient of the batch with its loss times `scale`, and without it again. */
  async #attempt(sequences: Sequences, labels: Sequences, targets: number, scale: number): Promise<ScaledRun & { result: BatchResult }> {
    this.parameters.clearGradients();
    for (const worker of this.#workers) worker.clearGradients();
    const mean = await this.#runBatch(sequences, labels, scale / targets, true);
    for (const portion of this.#portions) await portion.collect(this.#groupsFor(sequences));
    this.#unscale.run(scale);
    this.#unscale.reportTo(this.#report, 0);
    const gradientIsFinite = await this.device.readInto(this.#report, 4, 0, (mapped) => new DataView(mapped).getFloat32(0, true) === 0);
    const result = mean.result(sequences.length * this.sequenceTokens, targets, gradientIsFinite);
    return { lossIsFinite: mean.isFinite, gradientIsFinite, result };
  }

  /** Micro-batch n is the n mod groups'th group's. Losses are put together in the order of the micro-batches. */
  async #runBatch(sequences: Sequences, labels: Sequences, gradientScale: number, train: boolean): Promise<LossMean> {
    const groups = this.#groupsFor(sequences);
    const microBatches = Math.ceil(sequences.length / this.microBatchSequences);
    await this.#distribute(groups);
    const running = this.#workers.slice(0, groups).map(async (worker, group) => {
      let slot = 0;
      for (let n = group; n < microBatches; n += groups, slot++) {
        this.#targets[n] = this.#staging.fill(sequences, labels, n * this.microBatchSequences);
        await worker.run({ staging: this.#staging, gradientScale, slot }, train);
      }
      return worker.readLossSums(slot);
    });
    const sums = await allDone(running);
    const mean = new LossMean();
    for (let n = 0; n < microBatches; n++) mean.add(sums[n % groups][Math.floor(n / groups)], this.#targets[n]);
    return mean;
  }

  /** Brings the groups that will work to the primary's compute weights, where those have changed. */
  async #distribute(groups: number): Promise<void> {
    const { computeVersion: version } = this.parameters;
    if (this.#distributed.version === version && this.#distributed.groups >= groups) return;
    for (const portion of this.#portions) await portion.distribute(groups);
    this.#distributed = { version, groups };
  }

  #check(sequences: Sequences, labels: Sequences): number {
    const { microBatchSequences, sequenceTokens } = this;
    const { vocabSize } = this.config;
    return checkBatch(sequences, labels, { microBatchSequences, sequenceTokens, vocabSize, maxMicroBatches: MAX_MICRO_BATCHES });
  }
}

/** As Promise.all, but nothing goes on behind the back of who hears of a failure. */
async function allDone<T>(running: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(running);
  return Promise.all(running);
}

type Spread = Pick<Parts, "workers" | "portions" | "sets">;

/** Every device holds the whole model; the primary works on its own parameters. */
async function replicate(
  devices: readonly Device[],
  parameters: ParameterSet,
  config: LlamaConfig,
  shape: MicroBatchShape,
): Promise<Spread> {
  const sets = devices.slice(1).map((other) => new ParameterSet(other, parameters.parameters, parameters.computeStorage, WORKING_COPIES));
  const all = [parameters, ...sets];
  const [plans, portion] = await Promise.all([
    Promise.all(all.map((set) => LlamaPlan.create(set.device, set, config, shape))),
    wholePortion(all, shape.tileChunk),
  ]);
  return { workers: plans.map((plan, n) => new Replica(plan, all[n])), portions: [portion], sets };
}

/** Every `tensor` devices hold the model together. */
async function split(
  devices: readonly Device[],
  parameters: ParameterSet,
  config: LlamaConfig,
  shape: MicroBatchShape,
  tensor: number,
): Promise<Spread> {
  const shards = Array.from({ length: tensor }, (_, index) => ({ index, count: tensor }));
  const sets = devices.map(
    (own, n) => new ParameterSet(own, shardShapes(parameters.parameters, config, shards[n % tensor]), "f32", WORKING_COPIES),
  );
  const groups = Array.from({ length: devices.length / tensor }, (_, group) => sets.slice(group * tensor, (group + 1) * tensor));
  const [workers, portions] = await Promise.all([
    Promise.all(groups.map((group) => TensorGroup.create(group, config, shape))),
    Promise.all(
      shards.map((shard) =>
        shardPortion(
          parameters,
          config,
          shard,
          groups.map((group) => group[shard.index]),
        ),
      ),
    ),
  ]);
  return { workers, portions, sets };
}
