/**
 * The engine behind the round client's port: a Llama on one device, its DisTrO optimizer, and the order in which they run.
 * The same class serves a Node worker thread and a browser's Worker.
 */
import { tileIndex } from "@starling/shaders/kernels/compress/tileLayout";
import { valuesOf } from "../checkpoint/modelTensors.ts";
import { DIGEST_BYTES, tensorRoot } from "../compress/merkle.ts";
import { Generator } from "../generate/generator.ts";
import { Inference } from "../generate/inference.ts";
import { initialWeights } from "../model/initialWeights.ts";
import { prefixValues, tierRefusal, WHOLE_MODEL } from "../model/matformer.ts";
import { canonicalizeInPlace } from "../model/parameters.ts";
import { DistroOptimizer } from "../optim/distro/distroOptimizer.ts";
import type { Device } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import type { BeginRound, Engine, InferenceAnswer, InferenceRequest, TrainBatch, Trained } from "../round/ports.ts";
import { LlamaTrainer } from "./step.ts";
import { ParallelTrainer } from "../parallel/parallelTrainer.ts";
import { commonPrecision, spreadOf } from "../parallel/parallelism.ts";
import type { EngineSettings } from "./engineSettings.ts";
import type { EngineState, KeepsState } from "./engineState.ts";
import type { GradientTrainer } from "./gradientTrainer.ts";
import type { RunPlan } from "./runPlan.ts";
import { TrainError } from "./errors.ts";
import { STORAGES_OF, type ChosenPrecision } from "./precision.ts";

/** Sequences of one queued piece of an evaluation. */
const EVALUATE_SEQUENCES = 64;

/** `EngineSettings` for one device, with what is left to it there decided (`fitEngine`). */
export interface EngineOptions extends Omit<EngineSettings, "profile" | "microBatchSequences" | "recomputation" | "offer"> {
  /** sequences in one forward and backward pass */
  microBatchSequences: number;
  /** layers keep their input alone, and backward computes the rest again */
  recomputation?: boolean;
  /** most rows of a matrix product in one dispatch; left out: all */
  productRows?: number;
  /** beside the first: as many as data and tensor parallelism want. Left out: the first trains alone, whatever they are */
  otherDevices?: readonly Device[];
}

export class TrainingEngine implements Engine, KeepsState {
  readonly plan: RunPlan;
  readonly trainer: GradientTrainer;
  readonly distro: DistroOptimizer;
  readonly precision: ChosenPrecision;
  readonly holdsPart: boolean;
  /** an engine that holds a part of the model: hash of the whole one, until that changes */
  #partOf: Uint8Array | null = null;
  #inference: Inference | null = null;
  #inferenceMade: Promise<Inference> | null = null;
  #scoringMade: Promise<void> | null = null;

  private constructor(plan: RunPlan, trainer: GradientTrainer, distro: DistroOptimizer, precision: ChosenPrecision, holdsPart: boolean) {
    this.plan = plan;
    this.trainer = trainer;
    this.distro = distro;
    this.precision = precision;
    this.holdsPart = holdsPart;
  }

  /**
   * Compiles every pipeline and, where the run starts at random, sets the initial weights (master and compute).
   * Errors: DeviceError (out-of-memory: a smaller micro-batch, on a new device, may fit), TrainError unsupported (the precision or
   * MatFormer tier that was asked for).
   */
  static async create(device: Device, plan: RunPlan, options: EngineOptions): Promise<TrainingEngine> {
    const engine = await TrainingEngine.allocate(device, plan, options);
    await device.idle(); // memory that is not there is told late
    if (plan.start.kind === "random") await engine.importStart();
    await device.idle();
    return engine;
  }

  /** All of `create` but the initial weights: the parameters are zero. */
  static async allocate(device: Device, plan: RunPlan, options: EngineOptions): Promise<TrainingEngine> {
    const { microBatchSequences, recomputation, productRows, matformer = WHOLE_MODEL, otherDevices = [] } = options;
    const { llama, sequenceTokens, distro, pipeline } = plan;
    const refusal = tierRefusal(llama.intermediateSize, distro.compression_chunk, matformer.tier);
    if (refusal !== null) throw new TrainError("unsupported", refusal);
    const devices = [device, ...otherDevices];
    const parallelism = spreadOf(options);
    const precision = commonPrecision(options.precision ?? "f32", devices, parallelism, llama);
    const storages = STORAGES_OF[precision.precision];
    const tileChunk = distro.compression_chunk;
    const shape = { sequenceTokens, microBatchSequences, recomputation, productRows, storages, matformer, tileChunk };
    const trainer =
      devices.length === 1
        ? await LlamaTrainer.create(device, llama, shape)
        : await ParallelTrainer.create(devices, llama, shape, parallelism);
    const optimizer = await DistroOptimizer.create(device, trainer.parameters, {
      pipeline,
      compressionDecay: distro.compression_decay,
      topk: distro.compression_topk,
      chunk: distro.compression_chunk,
      oneBit: distro.quantize_1bit,
      weightDecay: distro.weight_decay ?? 0,
      matformer: { ...matformer, tiers: plan.tiers },
    });
    return new TrainingEngine(plan, trainer, optimizer, precision, matformer.sliced && matformer.tier > 0);
  }

  /** Frees what it holds on the device, which stays. */
  async dispose(): Promise<void> {
    await Promise.allSettled([this.#inferenceMade, this.#scoringMade]);
    this.#inference?.dispose();
    this.distro.dispose();
    await this.trainer.dispose();
  }

  async startEpoch(): Promise<void> {
    this.distro.startEpoch();
  }

  async beginRound(round: BeginRound): Promise<void> {
    if (round.pipeline !== this.plan.pipeline) {
      throw new TrainError(
        "unsupported",
        `this engine was made for pipeline ${this.plan.pipeline}, asked to begin a ${round.pipeline} round`,
      );
    }
    this.#inference?.weightsChanged();
    this.#partOf = null;
    await this.distro.beginRound(round);
  }

  /** Errors: TrainError not-finite: there is no result of this batch, and the optimizer is as it was. */
  async train({ sequences, learningRate }: TrainBatch): Promise<Trained> {
    const startedMs = performance.now();
    const { loss, tokens, gradientIsFinite } = await this.trainer.computeGradients(sequences);
    if (!gradientIsFinite) {
      const what = Number.isFinite(loss) ? `its gradient overflows (loss ${loss.toFixed(3)})` : "its loss is not a number";
      throw new TrainError(
        "not-finite",
        `the batch of ${sequences.length} sequences has no finite gradient: ${what}; nothing is sent for it`,
      );
    }
    const { clip_grad_norm: maxNorm } = this.plan.distro;
    if (maxNorm !== undefined) this.trainer.clip(maxNorm);
    const { payload, residualRoot } = await this.distro.makeResult({ learningRate });
    return { loss, payload, residualRoot, trainMs: performance.now() - startedMs, tokens };
  }

  checkPayload(payload: Uint8Array): void {
    this.plan.checkPayload(payload);
  }

  /** Errors: TrainError part-only where it holds a part of the model, whose hash nobody told. */
  async parameterHash(): Promise<Uint8Array> {
    if (!this.holdsPart) return this.distro.parameterHash();
    if (this.#partOf === null) throw partOnly("the hash of the whole model cannot be computed");
    return this.#partOf;
  }

  /** Errors: TrainError part-only. */
  async parameterLeaves(): Promise<Uint8Array> {
    if (this.holdsPart) throw partOnly("the leaves of the whole model cannot be computed");
    return this.distro.parameterLeaves();
  }

  async matchesLeaves(leaves: Uint8Array): Promise<boolean> {
    const { layouts } = this.plan;
    const own = await this.distro.parameterLeaves();
    const held = this.distro.layouts;
    let at = 0; // of our leaves
    let first = 0; // tile of the whole model
    for (const [tensor, layout] of held.entries()) {
      for (let tile = 0; tile < layout.tiles; tile++, at += DIGEST_BYTES) {
        const there = (first + tileIndex(layout, layouts[tensor].gridX, tile)) * DIGEST_BYTES;
        for (let i = 0; i < DIGEST_BYTES; i++) if (own[at + i] !== leaves[there + i]) return false;
      }
      first += layouts[tensor].tiles;
    }
    return true;
  }

  /** Reads the master copy; the look-ahead of a round under way is lost, so it belongs between rounds. */
  async evaluate(sequences: readonly Int32Array[]): Promise<number> {
    this.trainer.parameters.copyMasterToCompute();
    let sum = 0;
    let targets = 0;
    for (let at = 0; at < sequences.length; at += EVALUATE_SEQUENCES) {
      const part = await this.trainer.evaluate(sequences.slice(at, at + EVALUATE_SEQUENCES));
      sum += part.loss * part.targets;
      targets += part.targets;
    }
    return sum / targets;
  }

  async exportParameters(): Promise<Map<string, Float32Array>> {
    const { parameters } = this.trainer;
    const out = new Map<string, Float32Array>();
    for (const { name } of parameters.parameters) out.set(name, await parameters.read("master", name));
    return out;
  }

  /** Errors: TrainError bad-parameters, before anything has changed. */
  async importParameters(values: ReadonlyMap<string, Float32Array>, partOf?: Uint8Array): Promise<void> {
    const { parameters } = this.trainer;
    const isPart = this.holdsPart && partOf !== undefined;
    for (const [i, { name, elements }] of parameters.parameters.entries()) {
      const wanted = isPart ? elements : this.plan.layouts[i].elements;
      const got = values.get(name)?.length;
      if (got !== wanted) throw new TrainError("bad-parameters", `${name} has ${wanted} elements, got ${got ?? "none"}`);
    }
    const whole: Float32Array[] = [];
    for (const [i, { name, shape }] of parameters.parameters.entries()) {
      const ready = canonical(values.get(name)!);
      if (this.holdsPart && !isPart) whole.push(ready);
      parameters.write("master", name, isPart ? ready : prefixValues(ready, this.plan.layouts[i].shape, shape));
    }
    if (this.holdsPart) this.#partOf = partOf ?? tensorRoot(this.plan.layouts, whole);
    this.#inference?.weightsChanged();
    parameters.copyMasterToCompute();
  }

  /**
   * Reads the master copy and no other: gradients, residual and look-ahead stay as they are. What it needs is made when it is
   * asked for the first time, beside other calls. Errors: GenerateError; DeviceError too-large; TrainError unsupported, where what
   * trains has left it no memory.
   */
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    const made = (this.#inferenceMade ??= this.#makeInference().catch(noMemory));
    const ready =
      request.kind === "score" ? (this.#scoringMade ??= made.then((inference) => inference.prepareScores()).catch(noMemory)) : made;
    // one that failed says why, every time
    const pending = Promise.resolve("pending");
    if ((await Promise.race([ready, pending])) === "pending") return { kind: "preparing" };
    return (await made).answer(request);
  }

  async #makeInference(): Promise<Inference> {
    const { device, parameters, config } = this.trainer;
    const weight = (name: string): GPUBufferBinding => parameters.slice("master", name);
    const generator = await Generator.create(device, config, { weight, contextTokens: this.plan.sequenceTokens });
    return (this.#inference = new Inference(generator));
  }

  async exportState(): Promise<EngineState> {
    const { parameters } = this.trainer;
    const master = new Map<string, Float32Array<ArrayBuffer>>();
    for (const { name } of parameters.parameters) master.set(name, await parameters.read("master", name));
    const { lossScale = null } = this.trainer;
    return { master, partOf: this.#partOf, lossScale, optimizer: await this.distro.exportState() };
  }

  async importState({ master, partOf, lossScale, optimizer }: EngineState): Promise<void> {
    // a part is told from the whole by there being a hash of the latter
    await this.importParameters(master, this.holdsPart ? (partOf ?? new Uint8Array(DIGEST_BYTES)) : undefined);
    this.#partOf = partOf;
    if (lossScale !== null) this.trainer.lossScale = lossScale;
    this.distro.importState(optimizer);
    await this.trainer.device.idle();
  }

  /** Errors: TrainError unsupported where the run starts from a checkpoint, which only the host can read. */
  async importStart(): Promise<void> {
    const { start, llama } = this.plan;
    if (start.kind !== "random") {
      throw new TrainError("unsupported", `this run starts from the checkpoint ${start.location}: read it again and import its parameters`);
    }
    const weights = initialWeights(llama, start.seed);
    await this.importParameters(valuesOf(weights));
  }
}

/** The device is as it was, and trains on; out-of-memory itself says that it must be replaced. */
function noMemory(error: unknown): never {
  if (!(error instanceof DeviceError && error.code === "out-of-memory")) throw error;
  throw new TrainError("unsupported", error.message, { cause: error });
}

function partOnly(what: string): TrainError {
  return new TrainError("part-only", `this engine holds one MatFormer tier's part of the model: ${what}`);
}

/** A copy in which values that hardware might flush are +0 (DESIGN.md section 4: also on loading). */
function canonical(values: Float32Array): Float32Array<ArrayBuffer> {
  const copy = new Float32Array(values);
  canonicalizeInPlace(copy);
  return copy;
}
