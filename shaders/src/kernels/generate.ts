/** Kernels of text generation: a model's forward pass over few new tokens, with the keys and values of earlier ones cached. */
import { wgsl } from "../generated/generate.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";

export interface CacheShape {
  /** new tokens */
  rows: number;
  queryHeads: number;
  /** divides queryHeads */
  keyHeads: number;
  /** even */
  headDim: number;
  /** that the cache and the table of rotations have */
  positions: number;
}

const uniform = (name: string): KernelBinding => ({ name, kind: "uniform" });
const read = (...names: string[]): KernelBinding[] => names.map((name) => ({ name, kind: "read" }));
const readWrite = (...names: string[]): KernelBinding[] => names.map((name) => ({ name, kind: "read_write" }));

const matvecBindings = [uniform("sizes"), ...read("w", "x", "residual"), ...readWrite("y")];
const matvecs: Record<BaseProfile, KernelSpec> = {
  software: { name: "generate.matvecSoftware", wgsl: wgsl.matvecSoftware, bindings: matvecBindings },
  gpu: { name: "generate.matvecGpu", wgsl: wgsl.matvecGpu, bindings: matvecBindings },
};
const append: KernelSpec = {
  name: "generate.appendCache",
  wgsl: wgsl.appendCache,
  bindings: [uniform("shape"), uniform("step"), ...read("table"), ...readWrite("q"), ...read("k", "v"), ...readWrite("keys", "values")],
};
const attendBindings = [uniform("shape"), uniform("step"), ...read("q", "keys", "values"), ...readWrite("out")];
const attends: Record<BaseProfile, KernelSpec> = {
  software: { name: "generate.attendSoftware", wgsl: wgsl.attendSoftware, bindings: attendBindings },
  gpu: { name: "generate.attendGpu", wgsl: wgsl.attendGpu, bindings: attendBindings },
};

/** y = W x (+ residual). Buffers: w (n, k), x (k), residual (n; any read-only buffer where there is none), y (n). */
export function matvec(profile: KernelProfile, n: number, k: number, residual: boolean): KernelCall {
  const base = baseProfile(profile);
  const grid = base === "software" ? linearGrid(n, LINEAR_WORKGROUP_SIZE) : foldedGrid(n);
  return { spec: matvecs[base], constants: {}, sizes: Uint32Array.of(n, k, residual ? 1 : 0, 0), grid };
}

/** Buffers: step (u32 uniform: the first new token's position), table from `ropeTable`, q, k, v, keys, values. */
export function appendCache({ rows, queryHeads, keyHeads, headDim, positions }: CacheShape): KernelCall {
  const sizes = Uint32Array.of(rows, queryHeads, keyHeads, headDim, positions);
  return { spec: append, constants: {}, sizes, grid: linearGrid((rows * (queryHeads + keyHeads) * headDim) / 2, LINEAR_WORKGROUP_SIZE) };
}

/** Causal attention of the new tokens over what is cached, themselves included. Buffers: step, q, keys, values, out. */
export function attendCache(profile: KernelProfile, { rows, queryHeads, keyHeads, headDim }: CacheShape): KernelCall {
  const base = baseProfile(profile);
  const sizes = Uint32Array.of(rows, queryHeads, keyHeads, headDim, 0);
  new Float32Array(sizes.buffer)[4] = 1 / Math.sqrt(headDim);
  const grid =
    base === "software"
      ? linearGrid(rows * queryHeads * Math.ceil(headDim / 16), LINEAR_WORKGROUP_SIZE)
      : foldedGrid(rows * queryHeads * Math.ceil(headDim / 64));
  return { spec: attends[base], constants: {}, sizes, grid };
}
