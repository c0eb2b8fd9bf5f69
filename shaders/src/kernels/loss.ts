import { wgsl } from "../generated/loss.ts";
import { baseProfile, linearGrid, type BaseProfile, type KernelBinding, type KernelProfile, type KernelSpec } from "../kernel.ts";
import { foldedGrid, LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { withReduction } from "./reduction.ts";
import { withRowAccess } from "./rowAccess.ts";

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
 * Per-row cross-entropy; `backward` turns the logits into their gradient times the uniform's scale. All in f32.
 * Buffers: scales (f32), targets (rows) i32 (below 0: not counted), logits (rows, vocabulary), losses (rows).
 * `subgroups`: the adapter has them.
 */
export function crossEntropy(profile: KernelProfile, rows: number, vocabulary: number, backward: boolean, subgroups = false): KernelCall {
  const base = baseProfile(profile);
  const spec = base === "software" ? specs.software : withReduction(specs.gpu, subgroups);
  return {
    spec: withRowAccess(spec, {
      width: vocabulary,
      limit: "VOCABULARY",
      step: 4,
      plain: ["scales", "targets", "losses"],
      storages: {},
      overflow: "saturate",
    }),
    constants: { ROWS: rows, VOCABULARY: vocabulary, BACKWARD: backward ? 1 : 0 },
    grid: base === "software" ? linearGrid(rows, LINEAR_WORKGROUP_SIZE) : foldedGrid(rows),
  };
}

/** sums[slot] = sum of losses. Buffers: slot (u32 uniform), losses (rows), sums. */
export function lossSum(rows: number): KernelCall {
  return { spec: sum, constants: { ROWS: rows }, grid: [1, 1, 1] };
}
