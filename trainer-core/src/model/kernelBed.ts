/** Runs single kernels on a device, for this room's tests: tensors in any storage in, f32 out. */
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { storageBytes, storedValues, type Storage } from "@starling/shaders/kernels/storage";
import type { Numbers } from "@starling/shaders/reference/numbers";
import { roundToStorage, toHalves } from "@starling/shaders/reference/storage";
import type { Device } from "../device/device.ts";

type Data = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export class KernelBed {
  readonly device: Device;
  readonly #buffers: GPUBuffer[] = [];

  constructor(device: Device) {
    this.device = device;
  }

  upload(data: Data): GPUBuffer {
    return this.#keep(this.device.bufferOf("test", data));
  }

  /** A tensor as `storage` holds it: round the values first where the twin must see the same. */
  tensor(values: Numbers, storage: Storage = "f32"): GPUBuffer {
    return this.upload(storage === "f32" ? Float32Array.from(values) : toHalves(roundToStorage(values, storage)));
  }

  /** Filled with 7: a kernel that overwrites must leave none, one that accumulates all. */
  sevens(elements: number, storage: Storage = "f32"): GPUBuffer {
    return this.tensor(new Float32Array(elements).fill(7), storage);
  }

  uniform(data: Data): GPUBuffer {
    const buffer = this.#keep(this.device.uniform("test", data.byteLength));
    this.device.write(buffer, data);
    return buffer;
  }

  async run({ spec, constants, grid, sizes }: KernelCall, ...buffers: GPUBuffer[]): Promise<void> {
    const all = sizes ? [this.uniform(sizes), ...buffers] : buffers;
    this.device.run([await this.device.dispatch(spec, constants, all, grid)]);
  }

  async read(buffer: GPUBuffer, elements: number, storage: Storage = "f32"): Promise<Float32Array<ArrayBuffer>> {
    return storedValues(await this.device.read(buffer, storageBytes(storage, elements)), storage, elements);
  }

  /** Frees what was uploaded since the last call. */
  clear(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.destroy();
  }

  #keep(buffer: GPUBuffer): GPUBuffer {
    this.#buffers.push(buffer);
    return buffer;
  }
}
