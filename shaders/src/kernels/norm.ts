import { wgsl } from "../generated/norm.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";

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

const rowGrid = (profile: KernelProfile, rows: number) =>
  profile === "software" ? linearGrid(rows, LINEAR_WORKGROUP_SIZE) : foldedGrid(rows);

/** RMSNorm. Buffers: x (rows, width), weight (width), y (rows, width), rstd (rows). */
export function normForward(profile: KernelProfile, rows: number, width: number, epsilon: number): KernelCall {
  return { spec: forward[baseProfile(profile)], constants: { ROWS: rows, WIDTH: width, EPSILON: epsilon }, grid: rowGrid(profile, rows) };
}

/** Buffers: dy (rows, width), x, weight, rstd, dx; `accumulate` adds to dx. */
export function normBackward(profile: KernelProfile, rows: number, width: number, accumulate: boolean): KernelCall {
  return {
    spec: backward[baseProfile(profile)],
    constants: { ROWS: rows, WIDTH: width, ACCUMULATE: accumulate ? 1 : 0 },
    grid: rowGrid(profile, rows),
  };
}

/** Rows a thread of `normWeightGradient` adds: enough threads for small widths, few partial sums. */
export const NORM_SLICE_ROWS = 64;

/** Buffers: dy (rows, width), x, rstd, partials (ceil(rows / NORM_SLICE_ROWS), width). */
export function normWeightGradient(rows: number, width: number): KernelCall {
  const slices = Math.ceil(rows / NORM_SLICE_ROWS);
  return {
    spec: weightGradient,
    constants: { ROWS: rows, WIDTH: width, SLICE_ROWS: NORM_SLICE_ROWS },
    grid: linearGrid(slices * width, LINEAR_WORKGROUP_SIZE),
  };
}

/** Adds the slices. Buffers: partials, dWeight (width). */
export function normSumSlices(rows: number, width: number): KernelCall {
  return {
    spec: sumSlices,
    constants: { SLICES: Math.ceil(rows / NORM_SLICE_ROWS), WIDTH: width },
    grid: linearGrid(width, LINEAR_WORKGROUP_SIZE),
  };
}
