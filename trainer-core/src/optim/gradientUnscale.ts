import { unscale } from "@starling/shaders/kernels/optim";
import type { Device, Dispatch } from "../device/device.ts";
import { DispatchListBuilder } from "../model/dispatchList.ts";
import type { ParameterSet } from "../model/parameterSet.ts";

/** Divides the loss scale out of all gradients and finds out whether they are finite, in one pass over them. */
export class GradientUnscale {
  readonly #device: Device;
  readonly #settings: GPUBuffer;
  readonly #report: GPUBuffer;
  readonly #hostSettings = new Float32Array(4);
  #dispatches: readonly Dispatch[] = [];

  private constructor(device: Device) {
    this.#device = device;
    this.#settings = device.uniform("unscale settings", 16);
    this.#report = device.buffer("unscale report", 4);
  }

  static async create(device: Device, parameters: ParameterSet): Promise<GradientUnscale> {
    const made = new GradientUnscale(device);
    const list = new DispatchListBuilder(device, new Map());
    for (const [n, pool] of parameters.pools("grad").entries()) {
      list.call(unscale(parameters.poolBytes[n] / 4), made.#settings, pool, made.#report);
    }
    made.#dispatches = await list.build();
    return made;
  }

  /** Queued. `scale`: what the loss was multiplied by. */
  run(scale: number): void {
    this.#hostSettings[0] = 1 / scale;
    this.#device.write(this.#settings, this.#hostSettings);
    this.#device.clear(this.#report);
    this.#device.run(this.#dispatches);
  }

  /** Queued: the f32 at `offsetBytes` of `buffer` becomes 0 if the last run found every gradient finite, 1 if not; to be read with others. */
  reportTo(buffer: GPUBuffer, offsetBytes: number): void {
    this.#device.copy(this.#report, buffer, 4, 0, offsetBytes);
  }

  dispose(): void {
    this.#settings.destroy();
    this.#report.destroy();
  }
}
