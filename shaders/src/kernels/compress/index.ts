/** Specs of the DisTrO kernels. Equations, shapes and thread counts: the head of each file in wgsl/compress. */
import { wgsl } from "../../generated/compress.ts";
import type { BindingKind, KernelProfile, KernelSpec } from "../../kernel.ts";
import { withStorage, type Storage } from "../storage.ts";

const spec = (name: keyof typeof wgsl, bindings: Record<string, BindingKind>): KernelSpec => ({
  name: `compress.${name}`,
  wgsl: wgsl[name],
  bindings: Object.entries(bindings).map(([binding, kind]) => ({ name: binding, kind })),
});

const tiled = { batch: "uniform", tiles: "read" } as const;

export const residualUpdate = spec("residualUpdate", { update: "uniform", gradient: "read", residual: "read_write" });
const lookaheadSpec = spec("lookahead", { lookahead: "uniform", master: "read", residual: "read", compute: "read_write" });
/** `storage`: of the compute copy. */
export const lookahead = (storage: Storage): KernelSpec => withStorage(lookaheadSpec, { compute: storage });
export const decay = spec("decay", { decay: "uniform", master: "read_write" });
export const dctRows = spec("dctRows", { ...tiled, basis: "read", input: "read", output: "read_write" });
export const subtractSent = spec("subtractSent", {
  ...tiled,
  inverseBasis: "read",
  sentIndex: "read",
  sentValue: "read",
  residual: "read_write",
});
export const segmentMaxima = spec("segmentMaxima", { ...tiled, coefficients: "read", maxima: "read_write" });
export const topK = spec("topK", {
  ...tiled,
  coefficients: "read",
  maxima: "read_write",
  sentIndex: "read_write",
  sentValue: "read_write",
});
export const mergeSent = spec("mergeSent", {
  ...tiled,
  decode: "uniform",
  sentIndex: "read",
  sentValue: "read",
  cursor: "read_write",
  coef: "read_write",
  slot: "read_write",
  head: "read_write",
});
export const rowPass = spec("rowPass", {
  ...tiled,
  decode: "uniform",
  coef: "read",
  slot: "read",
  head: "read",
  basis30: "read",
  rowSums: "read_write",
});
export const columnStep = spec("columnStep", {
  ...tiled,
  decode: "uniform",
  rowSums: "read",
  slot: "read",
  head: "read",
  basis18: "read",
  master: "read_write",
});

/** Threads a tile, for the grid. */
export const THREADS_PER_TILE = {
  dctRows: 128,
  subtractSent: 256,
  segmentMaxima: 64,
  topK: 1,
  mergeSent: 1,
  rowPass: 2048,
  columnStep: 256,
} as const;

/**
 * Workgroup size of kernels with one thread a tile. A software adapter runs a workgroup on one core: small ones spread the
 * few tiles of a small model over all cores.
 */
export const tileWorkgroupSize = (profile: KernelProfile): number => (profile === "software" ? 4 : 32);
