import { applyClip, clipFactor, squareSum, SQUARE_SUM_CHUNK, termsLeft } from "@starling/shaders/kernels/optim";
import type { Device, Dispatch } from "../device/device.ts";
import { DispatchListBuilder } from "../model/dispatchList.ts";
import type { ParameterSet } from "../model/parameterSet.ts";

/** Clips the global L2 norm of all gradients, as torch.nn.utils.clip_grad_norm_: g *= maxNorm / (norm + 1e-6) if norm > maxNorm. */
export class GradientClip {
  readonly #device: Device;
  readonly #settings: GPUBuffer;
  readonly #partials: GPUBuffer;
  readonly #folded: GPUBuffer;
  readonly #clip: GPUBuffer;
  readonly #hostSettings = new Float32Array(4);
  #dispatches: Dispatch[] = [];

  private constructor(device: Device, chunks: number) {
    this.#device = device;
    this.#settings = device.uniform("clip settings", 16);
    this.#partials = device.buffer("clip partials", chunks * 4);
    this.#folded = device.buffer("clip partials, folded", termsLeft(chunks) * 4);
    this.#clip = device.buffer("clip", 16);
  }

  static async create(device: Device, parameters: ParameterSet): Promise<GradientClip> {
    // the padding between a pool's tensors is zero, so a pool is one long tensor
    const counts = parameters.poolBytes.map((bytes) => bytes / 4);
    const chunksOf = (count: number) => Math.ceil(count / SQUARE_SUM_CHUNK);
    const chunks = counts.reduce((sum, count) => sum + chunksOf(count), 0);
    const clip = new GradientClip(device, chunks);
    const pools = parameters.pools("grad");
    const list = new DispatchListBuilder(device, new Map());
    let first = 0;
    for (const [n, count] of counts.entries()) {
      list.call(squareSum(count, first), pools[n], clip.#partials);
      first += chunksOf(count);
    }
    const few = list.fewTerms(clip.#partials, chunks, clip.#folded);
    list.call(clipFactor(termsLeft(chunks)), clip.#settings, few, clip.#clip);
    for (const [n, count] of counts.entries()) list.call(applyClip(count), clip.#clip, pools[n]);
    clip.#dispatches = await list.build();
    return clip;
  }

  /** Queued. `maxNorm` 0 only measures. */
  run(maxNorm: number): void {
    this.#hostSettings[0] = maxNorm;
    this.#device.write(this.#settings, this.#hostSettings);
    this.#device.run(this.#dispatches);
  }

  /** The norm before clipping, of the last run. */
  readNorm(): Promise<number> {
    return this.#device.readInto(this.#clip, 4, 0, (mapped) => new DataView(mapped).getFloat32(0, true));
  }

  dispose(): void {
    for (const b of [this.#settings, this.#partials, this.#folded, this.#clip]) b.destroy();
  }
}
