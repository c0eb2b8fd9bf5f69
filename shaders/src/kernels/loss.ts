import { wgsl } from "../generated/loss.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";

const bindings: KernelBinding[] = [
  { name: "scales", kind: "uniform" },
  { name: "targets", kind: "read" },
  { name: "logits", kind: "read_write" },
  { name: "losses", kind: "read_write" },
];
const specs: Record<BaseProfile, KernelSpec> = {
  software: { name: "loss.crossEntropySoftware", wgsl: wgsl.crossEntropySoftware, bindings },
  gpu: { name: "loss.crossEntropyGpu", wgsl: wgsl.crossEntropyGpu, bindings },
};
const sum: KernelSpec = {
  name: "loss.sum",
  wgsl: wgsl.sum,
  bindings: [
    { name: "slot", kind: "uniform" },
    { name: "losses", kind: "read" },
    { name: "sums", kind: "read_write" },
  ],
};

/**
 * Per-row cross-entropy; `backward` turns the logits into their gradient times the uniform's scale.
 * Buffers: scales (f32), targets (rows) i32 (below 0: not counted), logits (rows, vocabulary), losses (rows).
 */
export function crossEntropy(profile: KernelProfile, rows: number, vocabulary: number, backward: boolean): KernelCall {
  return {
    spec: specs[baseProfile(profile)],
    constants: { ROWS: rows, VOCABULARY: vocabulary, BACKWARD: backward ? 1 : 0 },
    grid: profile === "software" ? linearGrid(rows, LINEAR_WORKGROUP_SIZE) : foldedGrid(rows),
  };
}

/** sums[slot] = sum of losses. Buffers: slot (u32 uniform), losses (rows), sums. */
export function lossSum(rows: number): KernelCall {
  return { spec: sum, constants: { ROWS: rows }, grid: [1, 1, 1] };
}
