import {
  matmul,
  splitWeightGradient,
  type MatmulForm,
  type MatmulOptions,
  type MatmulPitches,
  type MatmulStore,
} from "@starling/shaders/kernels/matmul";
import { foldTerms, termsLeft } from "@starling/shaders/kernels/optim";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import type { Device, Dispatch } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { columnsOf, rowsOf, shardsOf, storageOf, type Bound, type TensorShard } from "./tensor.ts";

/** Collects dispatches in order while their pipelines compile side by side. */
export class DispatchListBuilder {
  readonly #device: Device;
  readonly #sizes: Map<string, GPUBuffer>;
  readonly #productRows: number;
  readonly #pending: Promise<Dispatch>[] = [];

  /** `sizes` caches the uniforms that hold shapes and what all lists share; it is one for the lists of one plan. `productRows`: most rows of one product's dispatch. */
  constructor(device: Device, sizes: Map<string, GPUBuffer>, productRows = Infinity) {
    this.#device = device;
    this.#sizes = sizes;
    this.#productRows = productRows;
  }

  /** `buffers` without the uniform of the call's sizes, if it has one: that is made here. */
  call({ spec, constants, grid, sizes }: KernelCall, ...buffers: Bound[]): void {
    if (buffers.some((bound) => shardsOf(bound) !== null)) throw inShards(spec.name);
    const all = sizes ? [this.#uniform(sizes), ...buffers] : buffers;
    this.#pending.push(this.#device.dispatch(spec, constants, all, grid));
  }

  /** The `termsLeft(count)` terms that have the sum of `terms` (count): these themselves, or where they are many sums of them in `folded`. */
  fewTerms(terms: GPUBuffer, count: number, folded: GPUBuffer): GPUBuffer {
    if (termsLeft(count) === count) return terms;
    this.call(foldTerms(count), terms, folded);
    return folded;
  }

  /** A product of a linear layer with W (n, k) over m rows; see `matmul`. `pitches` are those of a, b and c. */
  matmul(
    form: MatmulForm,
    store: MatmulStore,
    [m, n, k]: readonly [m: number, n: number, k: number],
    a: Bound,
    b: Bound,
    c: Bound,
    residual: Bound | null = null,
    { pitches = {} }: { pitches?: MatmulPitches } = {},
  ): void {
    const shards = shardsOf(form === "weightGradient" ? c : b);
    if (shards !== null) {
      this.#shardedMatmul(form, store, [m, n, k], a, b, c, residual, pitches, shards);
      return;
    }
    const { a: aPitch, b: bPitch, c: cPitch } = pitches;
    const options = {
      pitches,
      storages: { a: storageOf(a), b: storageOf(b), c: storageOf(c) },
      adapter: this.#device.features,
      tuning: this.#device.tuning,
    };
    for (let first = 0; first < m; first += this.#productRows) {
      const rows = Math.min(this.#productRows, m - first);
      // what has a row for each token: x (m, k), y and dy (m, n)
      const part = (bound: Bound, columns: number, pitch = columns) => (rows === m ? bound : rowsOf(bound, first, rows, columns, pitch));
      const product = (how: MatmulStore) => matmul(this.#device.profile, form, how, rows, n, k, options);
      // a binding that is not used must be bound all the same
      const other = (unused: Bound, columns: number) => (residual === null ? unused : part(residual, columns, cPitch));
      switch (form) {
        case "forward":
          this.call(product(store), part(a, k, aPitch), b, other(part(a, k, aPitch), n), part(c, n, cPitch));
          break;
        case "inputGradient":
          this.call(product(store), part(a, n, aPitch), b, other(part(a, n, aPitch), k), part(c, k, cPitch));
          break;
        case "weightGradient":
          // a sum over rows: what comes later is added
          this.#weightGradient(
            first > 0 && store === "overwrite" ? "add" : store,
            [rows, n, k],
            part(a, n, aPitch),
            part(b, k, bPitch),
            c,
            residual,
            options,
          );
          break;
        default:
          form satisfies never;
      }
    }
  }

  /** A product for each shard of W (n, k), whose rows are columns of y and dy. */
  #shardedMatmul(
    form: MatmulForm,
    store: MatmulStore,
    [m, n, k]: readonly [m: number, n: number, k: number],
    a: Bound,
    b: Bound,
    c: Bound,
    residual: Bound | null,
    pitches: MatmulPitches,
    shards: readonly TensorShard[],
  ): void {
    for (const shard of shards) {
      const { firstRow } = shard;
      // a tier reads the first rows alone
      const width = Math.min(shard.rows, n - firstRow);
      if (width <= 0) break;
      const sizes = [m, width, k] as const;
      const columns = (bound: Bound, pitch: number) => columnsOf(bound, firstRow, m, width, pitch);
      switch (form) {
        case "forward": {
          const pitch = pitches.c ?? n;
          const added = residual === null ? null : columns(residual, pitch);
          this.matmul(form, store, sizes, a, shard, columns(c, pitch), added, { pitches: { ...pitches, c: pitch } });
          break;
        }
        case "inputGradient": {
          // a sum over the rows of W: what comes later is added
          const [how, added] = firstRow === 0 ? ([store, residual] as const) : (["add", null] as const);
          const pitch = pitches.a ?? n;
          this.matmul(form, how, sizes, columns(a, pitch), shard, c, added, { pitches: { ...pitches, a: pitch } });
          break;
        }
        case "weightGradient": {
          const pitch = pitches.a ?? n;
          this.matmul(form, store, sizes, columns(a, pitch), b, shard, residual, { pitches: { ...pitches, a: pitch } });
          break;
        }
        default:
          form satisfies never;
      }
    }
  }

  #weightGradient(
    store: MatmulStore,
    [m, n, k]: readonly [number, number, number],
    a: Bound,
    b: Bound,
    c: Bound,
    residual: Bound | null,
    options: MatmulOptions,
  ): void {
    const { profile } = this.#device;
    const split = store === "residual" ? null : splitWeightGradient(profile, store, m, n, k, options);
    if (split === null) {
      this.call(matmul(profile, "weightGradient", store, m, n, k, options), a, b, residual ?? a, c);
      return;
    }
    // one for all layers: the next split comes after this one's sum
    const parts = this.#shared(`parts ${split.partElements}`, (label) => this.#device.buffer(label, split.partElements * 4));
    this.call(split.parts, a, b, a, parts);
    this.call(split.sum, parts, c);
  }

  #uniform(sizes: Uint32Array<ArrayBuffer>): GPUBuffer {
    return this.#shared(`sizes ${sizes.join()}`, (label) => {
      const buffer = this.#device.uniform(label, sizes.byteLength);
      this.#device.write(buffer, sizes);
      return buffer;
    });
  }

  /** The buffer of this name in all lists of the plan. */
  #shared(name: string, make: (name: string) => GPUBuffer): GPUBuffer {
    let buffer = this.#sizes.get(name);
    if (!buffer) {
      buffer = make(name);
      this.#sizes.set(name, buffer);
    }
    return buffer;
  }

  /** Resolves when everything is compiled. */
  build(): Promise<Dispatch[]> {
    return Promise.all(this.#pending);
  }
}

function inShards(kernel: string): DeviceError {
  return new DeviceError(
    "too-large",
    `kernel ${kernel} needs a matrix in one buffer that this adapter cannot bind at once: use an adapter with a higher limit, or no tensor parallelism`,
  );
}
