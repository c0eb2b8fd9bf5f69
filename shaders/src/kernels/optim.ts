import { wgsl } from "../generated/optim.ts";
import { linearGrid, type KernelSpec } from "../kernel.ts";
import { LINEAR_WORKGROUP_SIZE, type KernelCall } from "./kernelCall.ts";
import { withStorage, type Storage } from "./storage.ts";

const squareSumSpec: KernelSpec = {
  name: "optim.squareSum",
  wgsl: wgsl.squareSum,
  bindings: [
    { name: "g", kind: "read" },
    { name: "partials", kind: "read_write" },
  ],
};
const clipFactorSpec: KernelSpec = {
  name: "optim.clipFactor",
  wgsl: wgsl.clipFactor,
  bindings: [
    { name: "settings", kind: "uniform" },
    { name: "partials", kind: "read" },
    { name: "clip", kind: "read_write" },
  ],
};
const foldTermsSpec: KernelSpec = {
  name: "optim.foldTerms",
  wgsl: wgsl.foldTerms,
  bindings: [
    { name: "terms", kind: "read" },
    { name: "folded", kind: "read_write" },
  ],
};
const applyClipSpec: KernelSpec = {
  name: "optim.applyClip",
  wgsl: wgsl.applyClip,
  bindings: [
    { name: "clip", kind: "read" },
    { name: "g", kind: "read_write" },
  ],
};
const adamwSpec: KernelSpec = {
  name: "optim.adamw",
  wgsl: wgsl.adamw,
  bindings: [
    { name: "settings", kind: "uniform" },
    { name: "g", kind: "read" },
    { name: "p", kind: "read_write" },
    { name: "m", kind: "read_write" },
    { name: "v", kind: "read_write" },
  ],
};

const narrowSpec: KernelSpec = {
  name: "optim.narrow",
  wgsl: wgsl.narrow,
  bindings: [
    { name: "master", kind: "read" },
    { name: "compute", kind: "read_write" },
  ],
};

/** compute := master (count, a multiple of four) in `storage`. Buffers: master, compute. */
export const narrow = (count: number, storage: Storage): KernelCall => ({
  spec: withStorage(narrowSpec, { compute: storage }),
  constants: {},
  grid: linearGrid(count / 4, LINEAR_WORKGROUP_SIZE),
});

const unscaleSpec: KernelSpec = {
  name: "optim.unscale",
  wgsl: wgsl.unscale,
  bindings: [
    { name: "settings", kind: "uniform" },
    { name: "g", kind: "read_write" },
    { name: "report", kind: "read_write" },
  ],
};

/** g *= factor; report[0] becomes 1 where g (count, a multiple of four) is not finite. Buffers: settings (f32 factor), g, report. */
export const unscale = (count: number): KernelCall => ({
  spec: unscaleSpec,
  constants: { COUNT: count / 4 },
  grid: linearGrid(count / 4, LINEAR_WORKGROUP_SIZE),
});

/** Elements a thread of `squareSum` adds. */
export const SQUARE_SUM_CHUNK = 512;

/** partials[first..] = sums of squares of chunks of g (count). Buffers: g, partials. */
export function squareSum(count: number, first: number): KernelCall {
  return {
    spec: squareSumSpec,
    constants: { COUNT: count, CHUNK: SQUARE_SUM_CHUNK, FIRST: first },
    grid: linearGrid(Math.ceil(count / SQUARE_SUM_CHUNK), LINEAR_WORKGROUP_SIZE),
  };
}

const FOLDED_TERMS = 1024;

/** How many terms are left for one thread to add: `count` of them, or those of `foldTerms` where they are many. */
export const termsLeft = (count: number): number => (count > 2 * FOLDED_TERMS ? FOLDED_TERMS : count);

/** folded (`termsLeft(count)`) = sums of every so many of terms (count), of which there are more. Buffers: terms, folded. */
export const foldTerms = (count: number): KernelCall => ({
  spec: foldTermsSpec,
  constants: { COUNT: count, TERMS: FOLDED_TERMS },
  grid: linearGrid(FOLDED_TERMS, LINEAR_WORKGROUP_SIZE),
});

/** Norm and clip factor from `count` partial sums. Buffers: settings (f32 maxNorm), partials, clip (2). */
export const clipFactor = (count: number): KernelCall => ({ spec: clipFactorSpec, constants: { COUNT: count }, grid: [1, 1, 1] });

/** g *= clip[1]. Buffers: clip (2), g (count). */
export const applyClip = (count: number): KernelCall => ({
  spec: applyClipSpec,
  constants: { COUNT: count },
  grid: linearGrid(count, LINEAR_WORKGROUP_SIZE),
});

/** Buffers: settings (8 f32, in the order of optim/adamw.wgsl), g, p, m, v (count). */
export const adamw = (count: number): KernelCall => ({
  spec: adamwSpec,
  constants: { COUNT: count },
  grid: linearGrid(count, LINEAR_WORKGROUP_SIZE),
});
