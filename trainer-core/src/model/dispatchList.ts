import { matmul, type MatmulForm, type MatmulStore } from "@starling/shaders/kernels/matmul";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import type { Device, Dispatch } from "../device/device.ts";

export type Bound = GPUBuffer | GPUBufferBinding;

/** Collects dispatches in order while their pipelines compile side by side. */
export class DispatchListBuilder {
  readonly #device: Device;
  readonly #sizes: Map<string, GPUBuffer>;
  readonly #pending: Promise<Dispatch>[] = [];

  /** `sizes` caches the uniforms that hold shapes; share it between lists of one plan. */
  constructor(device: Device, sizes: Map<string, GPUBuffer>) {
    this.#device = device;
    this.#sizes = sizes;
  }

  /** `buffers` without the uniform of the call's sizes, if it has one: that is made here. */
  call({ spec, constants, grid, sizes }: KernelCall, ...buffers: Bound[]): void {
    const all = sizes ? [this.#uniform(sizes), ...buffers] : buffers;
    this.#pending.push(this.#device.dispatch(spec, constants, all, grid));
  }

  /** A product of a linear layer with W (n, k) over m rows; see `matmul`. */
  matmul(
    form: MatmulForm,
    store: MatmulStore,
    [m, n, k]: readonly [m: number, n: number, k: number],
    a: Bound,
    b: Bound,
    c: Bound,
    residual: Bound = a,
  ): void {
    this.call(matmul(this.#device.profile, form, store, m, n, k), a, b, residual, c);
  }

  #uniform(sizes: Uint32Array<ArrayBuffer>): GPUBuffer {
    const key = sizes.join();
    let buffer = this.#sizes.get(key);
    if (!buffer) {
      buffer = this.#device.uniform(`sizes ${key}`, sizes.byteLength);
      this.#device.write(buffer, sizes);
      this.#sizes.set(key, buffer);
    }
    return buffer;
  }

  /** Resolves when everything is compiled. */
  build(): Promise<Dispatch[]> {
    return Promise.all(this.#pending);
  }
}
