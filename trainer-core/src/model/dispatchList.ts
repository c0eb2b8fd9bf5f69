import { matmul, type MatmulForm, type MatmulStore } from "@starling/shaders/kernels/matmul";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import type { Device, Dispatch } from "../device/device.ts";

export type Bound = GPUBuffer | GPUBufferBinding;

/** Collects dispatches in order while their pipelines compile side by side. */
export class DispatchListBuilder {
  readonly #device: Device;
  readonly #sizes: Map<string, GPUBuffer>;
  readonly #pending: Promise<Dispatch>[] = [];

  /** `sizes` caches the uniforms of matmul shapes; share it between lists of one plan. */
  constructor(device: Device, sizes: Map<string, GPUBuffer>) {
    this.#device = device;
    this.#sizes = sizes;
  }

  call({ spec, constants, grid }: KernelCall, ...buffers: Bound[]): void {
    this.#pending.push(this.#device.dispatch(spec, constants, buffers, grid));
  }

  /** A product of a linear layer with W (n, k) over m rows; see `matmul`. */
  matmul(form: MatmulForm, store: MatmulStore, [m, n, k]: readonly [m: number, n: number, k: number], a: Bound, b: Bound, c: Bound, residual: Bound = a): void {
    const call = matmul(this.#device.profile, form, store, m, n, k);
    const key = call.sizes.join();
    let sizes = this.#sizes.get(key);
    if (!sizes) {
      sizes = this.#device.uniform(`matmul ${key}`, call.sizes.byteLength);
      this.#device.write(sizes, call.sizes);
      this.#sizes.set(key, sizes);
    }
    this.call(call, sizes, a, b, residual, c);
  }

  /** Resolves when everything is compiled. */
  build(): Promise<Dispatch[]> {
    return Promise.all(this.#pending);
  }
}
