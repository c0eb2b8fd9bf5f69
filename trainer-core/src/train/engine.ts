/**
 * The engine behind the round client's port: a Llama on one device, its DisTrO optimizer, and the order in which they run.
 * The same class serves a Node worker thread and a browser's Worker.
 */
import { valuesOf } from "../checkpoint/modelTensors.ts";
import { Generator } from "../generate/generator.ts";
import { Inference } from "../generate/inference.ts";
import { initialWeights } from "../model/initialWeights.ts";
import { canonicalizeInPlace } from "../model/parameters.ts";
import { DistroOptimizer } from "../optim/distro/distroOptimizer.ts";
import type { Device } from "../device/device.ts";
import type { BeginRound, Engine, InferenceAnswer, InferenceRequest, TrainBatch, Trained } from "../round/ports.ts";
import { LlamaTrainer } from "./step.ts";
import type { EngineSettings } from "./engineSettings.ts";
import type { GradientTrainer } from "./gradientTrainer.ts";
import type { RunPlan } from "./runPlan.ts";
import { TrainError } from "./errors.ts";

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
}

export class TrainingEngine implements Engine {
  readonly plan: RunPlan;
  readonly trainer: GradientTrainer;
  readonly distro: DistroOptimizer;
  #inference: Inference | null = null;
  #inferenceMade: Promise<void> | null = null;

  private constructor(plan: RunPlan, trainer: GradientTrainer, distro: DistroOptimizer) {
    this.plan = plan;
    this.trainer = trainer;
    this.distro = distro;
  }

  /**
   * Compiles every pipeline and, where the run starts at random, sets the initial weights (master and compute).
   * Errors: DeviceError (out-of-memory: a smaller micro-batch, on a new device, may fit).
   */
  static async create(device: Device, plan: RunPlan, options: EngineOptions): Promise<TrainingEngine> {
    const engine = await TrainingEngine.allocate(device, plan, options);
    await device.idle(); // memory that is not there is told late
    if (plan.start.kind === "random") await engine.importStart();
    await device.idle();
    return engine;
  }

  /** All of `create` but the initial weights: the parameters are zero. */
  static async allocate(
    device: Device,
    plan: RunPlan,
    { microBatchSequences, recomputation, productRows }: EngineOptions,
  ): Promise<TrainingEngine> {
    const { llama, sequenceTokens, distro, pipeline } = plan;
    const trainer = await LlamaTrainer.create(device, llama, { sequenceTokens, microBatchSequences, recomputation, productRows });
    const optimizer = await DistroOptimizer.create(device, trainer.parameters, {
      pipeline,
      compressionDecay: distro.compression_decay,
      topk: distro.compression_topk,
      chunk: distro.compression_chunk,
      oneBit: distro.quantize_1bit,
      weightDecay: distro.weight_decay ?? 0,
    });
    return new TrainingEngine(plan, trainer, optimizer);
  }

  /** Frees what it holds on the device, which stays. */
  async dispose(): Promise<void> {
    await this.#inferenceMade?.catch(() => undefined);
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
    await this.distro.beginRound(round);
  }

  async train({ sequences, learningRate }: TrainBatch): Promise<Trained> {
    const startedMs = performance.now();
    const { loss, tokens } = await this.trainer.computeGradients(sequences);
    const { clip_grad_norm: maxNorm } = this.plan.distro;
    if (maxNorm !== undefined) this.trainer.clip(maxNorm);
    const { payload, residualRoot } = await this.distro.makeResult({ learningRate });
    return { loss: Number.isFinite(loss) ? loss : null, payload, residualRoot, trainMs: performance.now() - startedMs, tokens };
  }

  checkPayload(payload: Uint8Array): void {
    this.plan.checkPayload(payload);
  }

  parameterHash(): Promise<Uint8Array> {
    return this.distro.parameterHash();
  }

  parameterLeaves(): Promise<Uint8Array> {
    return this.distro.parameterLeaves();
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
  async importParameters(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    const { parameters } = this.trainer;
    for (const { name, elements } of parameters.parameters) {
      const got = values.get(name)?.length;
      if (got !== elements) throw new TrainError("bad-parameters", `${name} has ${elements} elements, got ${got ?? "none"}`);
    }
    for (const { name } of parameters.parameters) parameters.write("master", name, canonical(values.get(name)!));
    this.#inference?.weightsChanged();
    parameters.copyMasterToCompute();
  }

  /**
   * Reads the master copy and no other: gradients, residual and look-ahead stay as they are. What it needs is made when it is
   * asked for the first time, beside other calls. Errors: GenerateError; DeviceError too-large.
   */
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    this.#inferenceMade ??= this.#makeInference();
    if (this.#inference !== null) return this.#inference.answer(request);
    // one that failed says why, every time
    const pending = Promise.resolve("pending");
    if ((await Promise.race([this.#inferenceMade, pending])) === "pending") return { kind: "preparing" };
    return this.infer(request);
  }

  async #makeInference(): Promise<void> {
    const { device, parameters, config } = this.trainer;
    const weight = (name: string): GPUBufferBinding => parameters.slice("master", name);
    const generator = await Generator.create(device, config, { weight, contextTokens: this.plan.sequenceTokens });
    this.#inference = new Inference(generator);
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

/** A copy in which values that hardware might flush are +0 (DESIGN.md section 4: also on loading). */
function canonical(values: Float32Array): Float32Array<ArrayBuffer> {
  const copy = new Float32Array(values);
  canonicalizeInPlace(copy);
  return copy;
}
