import { adamw } from "@starling/shaders/kernels/optim";
import type { Device, Dispatch } from "../device/device.ts";
import { DispatchListBuilder } from "../model/dispatchList.ts";
import type { ParameterSet } from "../model/parameterSet.ts";

export interface AdamWSettings {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** decoupled, on every tensor, norms and embeddings too */
  weightDecay: number;
}

/** AdamW (Loshchilov and Hutter 2019) over all parameters. Trains single-client runs: its floats need not agree between machines. */
export class AdamW {
  readonly #device: Device;
  readonly #parameters: ParameterSet;
  readonly #moments: GPUBuffer[] = [];
  readonly #settings: GPUBuffer;
  readonly #hostSettings = new Float32Array(8);
  #dispatches: Dispatch[] = [];
  #steps = 0;

  private constructor(device: Device, parameters: ParameterSet) {
    this.#device = device;
    this.#parameters = parameters;
    this.#settings = device.uniform("adamw settings", this.#hostSettings.byteLength);
  }

  /** Allocates both moments, zero. */
  static async create(device: Device, parameters: ParameterSet): Promise<AdamW> {
    const optimizer = new AdamW(device, parameters);
    const list = new DispatchListBuilder(device, new Map());
    for (const [n, bytes] of parameters.poolBytes.entries()) {
      const first = device.buffer(`adamw first moment ${n}`, bytes);
      const second = device.buffer(`adamw second moment ${n}`, bytes);
      optimizer.#moments.push(first, second);
      list.call(adamw(bytes / 4), optimizer.#settings, parameters.pools("grad")[n], parameters.pools("master")[n], first, second);
    }
    optimizer.#dispatches = await list.build();
    return optimizer;
  }

  /** One step from the gradients, queued; then compute := master. */
  step({ learningRate, beta1, beta2, epsilon, weightDecay }: AdamWSettings): void {
    this.#steps++;
    this.#hostSettings.set([
      1 - learningRate * weightDecay,
      learningRate / (1 - beta1 ** this.#steps),
      1 / Math.sqrt(1 - beta2 ** this.#steps),
      epsilon,
      beta1,
      beta2,
      1 - beta1,
      1 - beta2,
    ]);
    this.#device.write(this.#settings, this.#hostSettings);
    this.#device.run(this.#dispatches);
    this.#parameters.copyMasterToCompute();
  }

  /** Back to step 0 with zero moments. */
  reset(): void {
    this.#steps = 0;
    this.#device.clear(...this.#moments);
  }

  dispose(): void {
    for (const b of [this.#settings, ...this.#moments]) b.destroy();
  }
}
