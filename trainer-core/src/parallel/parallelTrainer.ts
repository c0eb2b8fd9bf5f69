/**
 * Trains one model on several devices of this process. Data parallelism deals micro-batches to groups that each hold the model, and adds
 * up their gradients; tensor parallelism lets the devices of a group hold and compute it together. The first device is the primary:
 * parameters live there whole, and whatever is done with the gradients is done there.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device, Dispatch } from "../device/device.ts";
import { LlamaPlan, MAX_MICRO_BATCHES, type MicroBatchShape } from "../model/llamaPlan.ts";
import { llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { GradientClip } from "../optim/gradientClip.ts";
import { checkBatch, LossMean, MicroBatchStaging } from "../train/batch.ts";
import type { BatchResult, GradientTrainer, Sequences } from "../train/gradientTrainer.ts";
import { loadParameters } from "../train/loadParameters.ts";
import { ParallelError } from "./errors.ts";
import { shardPortion, shardShapes, wholePortion, type Portion } from "./portion.ts";
import { Replica } from "./replica.ts";
import { assertDivisible } from "./shards.ts";
import { TensorGroup } from "./tensorGroup.ts";
import type { Worker } from "./worker.ts";

export interface Parallelism {
  /** groups that hold the model; micro-batches are dealt to them */
  data: number;
  /** devices of a group, which share its model */
  tensor: number;
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
  readonly #staging: MicroBatchStaging;
  readonly #targets: number[] = [];
  /** of the primary's compute weights that the others have, and how many of the groups have them */
  #distributed = { version: -1, groups: 0 };

  private constructor(
    config: LlamaConfig,
    parameters: ParameterSet,
    shape: MicroBatchShape,
    parts: { workers: readonly Worker[]; portions: readonly Portion[]; sets: readonly ParameterSet[]; clip: GradientClip },
  ) {
    this.device = parameters.device;
    this.config = config;
    this.parameters = parameters;
    this.microBatchSequences = shape.microBatchSequences;
    this.sequenceTokens = shape.sequenceTokens;
    this.#workers = parts.workers;
    this.#portions = parts.portions;
    this.#sets = parts.sets;
    this.#clip = parts.clip;
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
    const [device] = devices;
    const parameters = new ParameterSet(device, llamaParameters(config));
    const clip = await GradientClip.create(device, parameters);
    if (tensor === 1) {
      const others = devices.slice(1).map((other) => new ParameterSet(other, parameters.parameters));
      const plans = await Promise.all([parameters, ...others].map((set) => LlamaPlan.create(set.device, set, config, shape)));
      const workers = plans.map((plan, n) => new Replica(plan, n === 0 ? parameters : others[n - 1]));
      const portions = [await wholePortion([parameters, ...others])];
      return new ParallelTrainer(config, parameters, shape, { workers, portions, sets: others, clip });
    }
    const sets = devices.map((own, n) => {
      const shard = { index: n % tensor, count: tensor };
      return new ParameterSet(own, shardShapes(parameters.parameters, config, shard));
    });
    const groupsOf = (group: number) => sets.slice(group * tensor, (group + 1) * tensor);
    const [workers, portions] = await Promise.all([
      Promise.all(Array.from({ length: data }, (_, group) => TensorGroup.create(groupsOf(group), config, shape))),
      Promise.all(
        Array.from({ length: tensor }, (_, index) => {
          const holders = sets.filter((_set, n) => n % tensor === index);
          return shardPortion(parameters, config, { index, count: tensor }, holders);
        }),
      ),
    ]);
    return new ParallelTrainer(config, parameters, shape, { workers, portions, sets, clip });
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
    this.parameters.clearGradients();
    for (const worker of this.#workers) worker.clearGradients();
    const result = await this.#runBatch(sequences, labels, targets, true);
    const groups = this.#groupsFor(sequences);
    for (const portion of this.#portions) await portion.collect(groups);
    return result;
  }

  evaluate(sequences: Sequences, labels: Sequences = sequences): Promise<BatchResult> {
    return this.#runBatch(sequences, labels, this.#check(sequences, labels), false);
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
    this.parameters.dispose();
  }

  /** Groups that get a micro-batch of this batch. */
  #groupsFor(sequences: Sequences): number {
    return Math.min(this.#workers.length, Math.ceil(sequences.length / this.microBatchSequences));
  }

  /** Micro-batch n is the n mod groups'th group's. Losses are put together in the order of the micro-batches. */
  async #runBatch(sequences: Sequences, labels: Sequences, targets: number, train: boolean): Promise<BatchResult> {
    const groups = this.#groupsFor(sequences);
    const microBatches = Math.ceil(sequences.length / this.microBatchSequences);
    await this.#distribute(groups);
    const running = this.#workers.slice(0, groups).map(async (worker, group) => {
      let slot = 0;
      for (let n = group; n < microBatches; n += groups, slot++) {
        this.#targets[n] = this.#staging.fill(sequences, labels, n * this.microBatchSequences);
        await worker.run({ staging: this.#staging, gradientScale: 1 / targets, slot }, train);
      }
      return worker.readLossSums(slot);
    });
    const sums = await allDone(running);
    const mean = new LossMean();
    for (let n = 0; n < microBatches; n++) mean.add(sums[n % groups][Math.floor(n / groups)], this.#targets[n]);
    return mean.result(sequences.length * this.sequenceTokens, targets);
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
