/**
 * DisTrO: every client keeps a residual, sends the few largest DCT coefficients of each of its tiles, and steps by the sign
 * of the decoded mean of what was agreed. Stepping is exact (DESIGN.md section 4); the residual is private and need not be.
 *
 *   overlapped  round N: apply R(N-2) with lr(N) · compute := master, ahead by lr * sign(residual) · decay the master · gradient ·
 *               residual -= IDCT(own sent in N-1) · residual = decay * residual + lr * g · top-k
 *   sync        decay the master · apply · compute := master · gradient · residual = decay * residual + lr * g · top-k ·
 *               residual -= IDCT(own sent)
 */
import { linearGrid, type KernelSpec } from "@starling/shaders";
import { decay, lookahead, residualUpdate } from "@starling/shaders/kernels/compress/index";
import type { TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { Decoder, MAX_PEERS } from "../../compress/decoder.ts";
import { Encoder } from "../../compress/encoder.ts";
import { createRootHasher, type RootHasher } from "../../compress/rootHasher.ts";
import { TilePlan } from "../../compress/tilePlan.ts";
import { decodeTierResult, layoutsOfTier, placeResult, roundRule, tierSet, type TierSet } from "../../compress/tiers.ts";
import { encodeResult } from "../../compress/wire.ts";
import type { Device, Dispatch } from "../../device/device.ts";
import { WHOLE_MODEL, type MatformerPart } from "../../model/matformer.ts";
import type { ParameterSet } from "../../model/parameterSet.ts";
import type { OptimizerState } from "../../train/engineState.ts";

export interface DistroOptions {
  pipeline: "overlapped" | "sync";
  /** how much of the residual survives a round */
  compressionDecay: number;
  /** coefficients sent of each tile */
  topk: number;
  /** largest tile side, at most 64 */
  chunk: number;
  /** send signs instead of values */
  oneBit: boolean;
  /** 0: none */
  weightDecay: number;
  /** the whole model's tiers, and what of it the parameters here are and train; left out: all of a model without tiers */
  matformer?: MatformerPart & { tiers: TierSet };
}

/** `BeginRound` of round/ports.ts has these. */
export interface DistroRound {
  /** wire-encoded results to apply */
  results: readonly Uint8Array[];
  /** null applies nothing */
  applyLearningRate: number | null;
  /** null: no decay in this round */
  decayLearningRate: number | null;
  /** null: no look-ahead */
  lookaheadLearningRate: number | null;
}

export interface DistroResult {
  /** wire-encoded, quantised as the run has it */
  payload: Uint8Array<ArrayBuffer>;
  /** (32) Merkle root over the residual: after subtraction in `sync`, as encoded in `overlapped` */
  residualRoot: Uint8Array<ArrayBuffer>;
}

/** d of `w * d`: every operation rounded to f32, because every replica must hold the same factor. */
export function decayFactor(learningRate: number, weightDecay: number): number {
  return Math.fround(1 - Math.fround(Math.fround(learningRate) * Math.fround(weightDecay)));
}

interface Elementwise {
  uniform: GPUBuffer;
  dispatches: readonly Dispatch[];
}

export class DistroOptimizer {
  readonly options: Readonly<DistroOptions>;
  /** of what is sent here, by ascending name */
  readonly layouts: readonly TileLayout[];
  readonly #tiers: TierSet;
  readonly #tier: number;
  readonly #device: Device;
  readonly #parameters: ParameterSet;
  /** what is applied and hashed here: everything that the parameters hold */
  readonly #plan: TilePlan;
  /** what is sent: of a client that holds more than its tier, only the tier's part */
  readonly #sentPlan: TilePlan;
  readonly #residual: readonly GPUBuffer[];
  readonly #encoder: Encoder;
  readonly #decoder: Decoder;
  readonly #parameterRoot: RootHasher;
  readonly #residualRoot: RootHasher;
  readonly #update: Elementwise;
  readonly #lookahead: Elementwise;
  readonly #decay: Elementwise;
  /** the encoder holds what was sent and not yet taken out of the residual */
  #owesSubtraction = false;
  readonly #hostScalars = new Float32Array(4);

  private constructor(
    parameters: ParameterSet,
    options: DistroOptions,
    parts: {
      tiers: TierSet;
      plan: TilePlan;
      sentPlan: TilePlan;
      residual: readonly GPUBuffer[];
      encoder: Encoder;
      decoder: Decoder;
      parameterRoot: RootHasher;
      residualRoot: RootHasher;
      update: Elementwise;
      lookahead: Elementwise;
      decay: Elementwise;
    },
  ) {
    this.options = options;
    this.layouts = parts.sentPlan.layouts;
    this.#tiers = parts.tiers;
    this.#tier = options.matformer?.tier ?? 0;
    this.#device = parameters.device;
    this.#parameters = parameters;
    this.#plan = parts.plan;
    this.#sentPlan = parts.sentPlan;
    this.#residual = parts.residual;
    this.#encoder = parts.encoder;
    this.#decoder = parts.decoder;
    this.#parameterRoot = parts.parameterRoot;
    this.#residualRoot = parts.residualRoot;
    this.#update = parts.update;
    this.#lookahead = parts.lookahead;
    this.#decay = parts.decay;
  }

  /** Compiles every pipeline; the residual is zero. Throws RangeError for options out of range, and for a tier that the model cannot have. */
  static async create(device: Device, parameters: ParameterSet, options: DistroOptions): Promise<DistroOptimizer> {
    const { tier, sliced, tiers } = options.matformer ?? { ...WHOLE_MODEL, tiers: tierSet(parameters.parameters, options.chunk) };
    const [whole] = tiers.layouts;
    const layouts = layoutsOfTier(tiers, tier);
    const { chunk, topk } = options;
    const plan = new TilePlan(device, parameters, { chunk, topk, layouts: sliced ? layouts : whole, whole });
    const sentPlan = sliced || tier === 0 ? plan : new TilePlan(device, parameters, { chunk, topk, layouts, whole });
    const master = parameters.pools("master");
    const compute = parameters.pools("compute");
    const gradient = parameters.pools("grad");
    const residual = parameters.poolBytes.map((bytes, i) => device.buffer(`residual ${i}`, bytes));
    const overPools = async (spec: KernelSpec, buffersOf: (pool: number) => GPUBuffer[]): Promise<Elementwise> => {
      const uniform = device.uniform(spec.name, 16);
      const dispatches = await Promise.all(
        parameters.poolBytes.map((bytes, i) =>
          device.dispatch(spec, { WORKGROUP_SIZE: 64 }, [uniform, ...buffersOf(i)], linearGrid(bytes / 16, 64)),
        ),
      );
      return { uniform, dispatches };
    };
    return new DistroOptimizer(parameters, options, {
      tiers,
      plan,
      sentPlan,
      residual,
      encoder: await Encoder.create(sentPlan, residual),
      decoder: await Decoder.create(plan, master),
      parameterRoot: await createRootHasher(plan, master),
      residualRoot: await createRootHasher(sentPlan, residual),
      update: await overPools(residualUpdate, (i) => [gradient[i], residual[i]]),
      lookahead: await overPools(lookahead(parameters.computeStorage), (i) => [master[i], residual[i], compute[i]]),
      decay: await overPools(decay, (i) => [master[i]]),
    });
  }

  /** Rounds that apply up to `results` then allocate nothing. */
  reserve(results: number): Promise<void> {
    return this.#decoder.reserve(Math.min(results, MAX_PEERS));
  }

  /** Residual := 0; what was sent is forgotten. */
  startEpoch(): void {
    this.#device.clear(...this.#residual);
    this.#owesSubtraction = false;
  }

  /**
   * Queued: brings master and compute to where this round trains. Throws WireError for a result that does not fit (before
   * anything has changed), RangeError for more than 256 results.
   */
  async beginRound(round: DistroRound): Promise<void> {
    const { oneBit, topk, pipeline } = this.options;
    if (round.results.length > MAX_PEERS) {
      throw new RangeError(`at most ${MAX_PEERS} results can be applied exactly in a round, got ${round.results.length}`);
    }
    const decoded =
      round.applyLearningRate === null ? [] : round.results.map((bytes) => decodeTierResult(bytes, this.#tiers, { oneBit, topk }));
    const rule = roundRule(
      this.#tiers,
      decoded.map(({ tier }) => tier),
    );
    const results = decoded.map((result) => placeResult(result, this.#tiers.layouts[result.tier], this.#plan.layouts, topk));
    if (pipeline === "sync") this.#decayMaster(round.decayLearningRate);
    if (round.applyLearningRate !== null) await this.#decoder.apply(results, { oneBit, learningRate: round.applyLearningRate, rule });
    if (pipeline === "overlapped" && round.lookaheadLearningRate !== null) {
      this.#run(this.#lookahead, round.lookaheadLearningRate);
      this.#parameters.markComputeWritten();
    } else this.#parameters.copyMasterToCompute();
    if (pipeline === "overlapped") this.#decayMaster(round.decayLearningRate);
  }

  /** From the accumulated gradient of the parameter set, which is left as it is. Once a round. */
  async makeResult({ learningRate }: { learningRate: number }): Promise<DistroResult> {
    const { pipeline, compressionDecay, oneBit, topk } = this.options;
    if (this.#owesSubtraction) this.#encoder.subtractSent();
    this.#run(this.#update, compressionDecay, learningRate);
    this.#encoder.encode();
    if (pipeline === "sync") this.#encoder.subtractSent();
    this.#owesSubtraction = pipeline === "overlapped";
    const [sent, residualRoot] = await Promise.all([this.#encoder.sent(), this.residualRoot()]);
    return { payload: encodeResult(sent, this.layouts, { oneBit, topk, tier: this.#tier }), residualRoot };
  }

  /** Throws WireError when `payload` is not a result for this model and these settings. */
  checkPayload(payload: Uint8Array): void {
    decodeTierResult(payload, this.#tiers, this.options);
  }

  /** (32) Merkle root over the master parameters; of a sliced model over those leaves of the whole one that it holds. */
  parameterHash(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#parameterRoot.root();
  }

  /** (tiles, 32) leaves under that root. */
  parameterLeaves(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#parameterRoot.leaves();
  }

  /** (32) Merkle root over the residual as it is now: over the leaves of this client's tier. */
  residualRoot(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#residualRoot.root();
  }

  /** The residual by ascending name, to reveal or to keep. */
  async exportResidual(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const out = new Map<string, Float32Array<ArrayBuffer>>();
    // one by one: together they would need as much memory again to be read into
    for (const p of this.#parameters.parameters) out.set(p.name, await this.#parameters.readFrom(this.#residual, p));
    return out;
  }

  /** Sets the residual and forgets what was sent. Throws RangeError unless every tensor is there in its size. */
  importResidual(residual: ReadonlyMap<string, Float32Array<ArrayBuffer>>): void {
    for (const p of this.#parameters.parameters) {
      const values = residual.get(p.name);
      if (values?.length !== p.elements)
        throw new RangeError(`the residual of ${p.name} has ${p.elements} elements, got ${values?.length ?? "none"}`);
    }
    for (const p of this.#parameters.parameters) this.#parameters.writeTo(this.#residual, p, residual.get(p.name)!);
    this.#owesSubtraction = false;
  }

  /** What the next round depends on beside the parameters. */
  async exportState(): Promise<OptimizerState> {
    const residual = await this.exportResidual();
    if (!this.#owesSubtraction) return { residual, owed: null };
    const { index, valueBits } = await this.#encoder.sent();
    return { residual, owed: { index: index.slice(), valueBits: valueBits.slice() } };
  }

  /** Errors: RangeError as `importResidual`. */
  importState({ residual, owed }: OptimizerState): void {
    this.importResidual(residual);
    if (owed !== null) this.#encoder.setSent(owed);
    this.#owesSubtraction = owed !== null;
  }

  #decayMaster(learningRate: number | null): void {
    if (learningRate === null || this.options.weightDecay === 0) return;
    this.#run(this.#decay, decayFactor(learningRate, this.options.weightDecay));
  }

  #run({ uniform, dispatches }: Elementwise, ...scalars: number[]): void {
    this.#hostScalars.set(scalars);
    this.#device.write(uniform, this.#hostScalars);
    this.#device.run(dispatches);
  }

  dispose(): void {
    this.#encoder.dispose();
    this.#decoder.dispose();
    this.#parameterRoot.dispose();
    this.#residualRoot.dispose();
    this.#plan.dispose();
    if (this.#sentPlan !== this.#plan) this.#sentPlan.dispose();
    for (const b of this.#residual) b.destroy();
    for (const { uniform } of [this.#update, this.#lookahead, this.#decay]) uniform.destroy();
  }
}
