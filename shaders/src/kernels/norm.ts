import { wgsl } from "../generated/norm.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { withReduction } from "./reduction.ts";
import { withRowAccess } from "./rowAccess.ts";
import { F32_STORAGES, type KernelStorages, type Storage } from "./storage.ts";

const forwardBindings: KernelBinding[] = [
  { name: "x", kind: "read" },
  { name: "weight", kind: "read" },
  { name: "y", kind: "read_write" },
  { name: "rstd", kind: "read_write" },
];
const backwardBindings: KernelBinding[] = [
  { name: "dy", kind: "read" },
  { name: "x", kind: "read" },
  { name: "weight", kind: "read" },
  { name: "rstd", kind: "read" },
  { name: "dx", kind: "read_write" },
];
const forward: Record<BaseProfile, KernelSpec> = {
  software: { name: "norm.forwardSoftware", wgsl: wgsl.forwardSoftware, bindings: forwardBindings },
  gpu: { name: "norm.forwardGpu", wgsl: wgsl.forwardGpu, bindings: forwardBindings },
};
const backward: Record<BaseProfile, KernelSpec> = {
  software: { name: "norm.backwardSoftware", wgsl: wgsl.backwardSoftware, bindings: backwardBindings },
  gpu: { name: "norm.backwardGpu", wgsl: wgsl.backwardGpu, bindings: backwardBindings },
};
const weightGradient: KernelSpec = {
  name: "norm.weightGradient",
  wgsl: wgsl.weightGradient,
  bindings: [
    { name: "dy", kind: "read" },
    { name: "x", kind: "read" },
    { name: "rstd", kind: "read" },
    { name: "partials", kind: "read_write" },
  ],
};
const sumSlices: KernelSpec = {
  name: "norm.sumSlices",
  wgsl: wgsl.sumSlices,
  bindings: [
    { name: "partials", kind: "read" },
    { name: "dWeight", kind: "read_write" },
  ],
};

/** A row by a thread in `software`, by a workgroup in `gpu`. */
function rowKernel(
  specs: Record<BaseProfile, KernelSpec>,
  profile: KernelProfile,
  width: number,
  storages: Readonly<Record<string, Storage>>,
  subgroups: boolean,
): KernelSpec {
  const base = baseProfile(profile);
  const spec = base === "software" ? specs.software : withReduction(specs.gpu, subgroups);
  return withRowAccess(spec, { width, limit: "WIDTH", step: 4, plain: ["rstd"], storages, overflow: "saturate" });
}
const rowGrid = (profile: KernelProfile, rows: number) =>
  profile === "software" ? linearGrid(rows, LINEAR_WORKGROUP_SIZE) : foldedGrid(rows);

/** RMSNorm. Buffers: x (rows, width) f32, weight (width), y (rows, width), rstd (rows). `subgroups`: the adapter has them. */
export function normForward(
  profile: KernelProfile,
  rows: number,
  width: number,
  epsilon: number,
  { activations, weights }: KernelStorages = F32_STORAGES,
  subgroups = false,
): KernelCall {
  return {
    spec: rowKernel(forward, profile, width, { weight: weights, y: activations }, subgroups),
    constants: { ROWS: rows, WIDTH: width, EPSILON: epsilon },
    grid: rowGrid(profile, rows),
  };
}

/** Buffers: dy (rows, width), x f32, weight, rstd, dx f32; `accumulate` adds to dx. `subgroups`: the adapter has them. */
export function normBackward(
  profile: KernelProfile,
  rows: number,
  width: number,
  accumulate: boolean,
  { activations, weights }: KernelStorages = F32_STORAGES,
  subgroups = false,
): KernelCall {
  return {
    spec: rowKernel(backward, profile, width, { dy: activations, weight: weights }, subgroups),
    constants: { ROWS: rows, WIDTH: width, ACCUMULATE: accumulate ? 1 : 0 },
    grid: rowGrid(profile, rows),
  };
}

/** Rows a thread of `normWeightGradient` adds: enough threads for small widths, few partial sums. */
export const NORM_SLICE_ROWS = 32;

/** Buffers: dy (rows, width), x f32, rstd, partials (ceil(rows / NORM_SLICE_ROWS), width) f32. */
export function normWeightGradient(rows: number, width: number, { activations }: KernelStorages = F32_STORAGES): KernelCall {
  const slices = Math.ceil(rows / NORM_SLICE_ROWS);
  return {
    spec: withRowAccess(weightGradient, {
      width,
      limit: "WIDTH",
      step: 4,
      plain: ["rstd"],
      storages: { dy: activations },
      overflow: "saturate",
    }),
    constants: { ROWS: rows, WIDTH: width, SLICE_ROWS: NORM_SLICE_ROWS },
    grid: linearGrid(slices * Math.ceil(width / 4), LINEAR_WORKGROUP_SIZE),
  };
}

/** Adds the slices. Buffers: partials, dWeight (width), both f32. */
export function normSumSlices(rows: number, width: number): KernelCall {
  return {
    spec: sumSlices,
    constants: { SLICES: Math.ceil(rows / NORM_SLICE_ROWS), WIDTH: width },
    grid: linearGrid(width, LINEAR_WORKGROUP_SIZE),
  };
}
