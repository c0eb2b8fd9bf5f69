/** The three matrix products of a linear layer. Strides tell the products apart (matmul/software.wgsl), so one kernel does all. */
import { wgsl } from "../generated/matmul.ts";
import type { KernelBinding, KernelProfile, KernelSpec } from "../kernel.ts";
import type { KernelCall } from "./kernelCall.ts";
import { withStorage, type Storage } from "./storage.ts";

/**
 * - `forward`: y = x W^T; a = x (M, K), b = W (N, K), c (M, N)
 * - `inputGradient`: dx = dy W; a = dy (M, N), b = W (N, K), c (M, K)
 * - `weightGradient`: dW = dy^T x; a = dy (M, N), b = x (M, K), c (N, K)
 */
export type MatmulForm = "forward" | "inputGradient" | "weightGradient";

/** What happens to c: `add` accumulates into it, `residual` writes residual + product. */
export type MatmulStore = "overwrite" | "add" | "residual";

/** Elements from one row of a stored matrix to the next; left out: its own width. A view of a wider matrix's first columns has that one's. */
export interface MatmulPitches {
  a?: number;
  b?: number;
  /** also the residual's */
  c?: number;
}

/** What a product wants to know of the adapter: a Device's `features` have it. */
export interface MatmulAdapter {
  subgroups: boolean;
  /** lanes of a subgroup, fewest and most */
  minSubgroupSize: number;
  maxSubgroupSize: number;
}

export interface MatmulOptions {
  pitches?: MatmulPitches;
  /** left out: f32. The residual is f32 always. */
  storages?: Readonly<Partial<Record<"a" | "b" | "c", Storage>>>;
  /** left out: one without subgroups */
  adapter?: MatmulAdapter;
}

const bindings: KernelBinding[] = [
  { name: "sizes", kind: "uniform" },
  { name: "a", kind: "read" },
  { name: "b", kind: "read" },
  { name: "residual", kind: "read" },
  { name: "c", kind: "read_write" },
];
const software: KernelSpec = { name: "matmul.software", wgsl: wgsl.software, bindings };
const softwareWide: KernelSpec = { name: "matmul.softwareWide", wgsl: wgsl.softwareWide, bindings };
const gpu: KernelSpec = { name: "matmul.gpu", wgsl: wgsl.gpu, bindings };

const STORES: Record<MatmulStore, number> = { overwrite: 0, add: 1, residual: 2 };

const NO_SUBGROUPS: MatmulAdapter = { subgroups: false, minSubgroupSize: 0, maxSubgroupSize: 0 };

/**
 * M rows of tokens, K features in, N features out: W is (N, K) in every form. Buffers: a, b, residual (any read-only
 * buffer unless `store` is residual), c. Errors: ShaderError storage, where c is packed and a row does not end at a multiple of four.
 */
export function matmul(
  profile: KernelProfile,
  form: MatmulForm,
  store: MatmulStore,
  m: number,
  n: number,
  k: number,
  { pitches = {}, storages = {}, adapter = NO_SUBGROUPS }: MatmulOptions = {},
): KernelCall {
  const { a: aPitch = form === "forward" ? k : n, b: bPitch = k } = pitches;
  // c (rows, columns), summed over inner; [stride of a row, stride along inner] of a and b
  const [rows, columns, inner, a, b] = {
    forward: [m, n, k, [aPitch, 1], [bPitch, 1]],
    inputGradient: [m, k, n, [aPitch, 1], [1, bPitch]],
    weightGradient: [n, k, m, [1, aPitch], [1, bPitch]],
  }[form] as [number, number, number, [number, number], [number, number]];
  const cPitch = pitches.c ?? columns;
  const sizes = new Uint32Array([rows, columns, inner, STORES[store], ...a, ...b, cPitch, inner]);
  // a gradient that leaves the range of halves must show
  const stored = (spec: KernelSpec) => withStorage(spec, storages, form === "inputGradient" ? "invalidate" : "saturate");
  const directions = { A_INNER_CONTIGUOUS: form === "weightGradient" ? 0 : 1, B_INNER_CONTIGUOUS: form === "forward" ? 1 : 0 };
  const isWide = [n, k, aPitch, bPitch, cPitch].every((length) => length % 4 === 0);
  if (profile === "software") {
    if (isWide && adapter.subgroups) {
      const LANES = adapter.maxSubgroupSize >= 8 ? 8 : 4;
      const grid = [Math.ceil(columns / (8 * LANES)), Math.ceil(rows / 16), 1] as const;
      return { spec: stored(softwareWide), constants: { LANES, ...directions }, grid, sizes };
    }
    return { spec: stored(software), constants: {}, grid: [Math.ceil(columns / 32), Math.ceil(rows / 8), 1], sizes };
  }
  return { spec: gpu, constants: directions, grid: [Math.ceil(columns / 64), Math.ceil(rows / 64), 1], sizes };
}
