import type { Grid, KernelConstants, KernelSpec } from "../kernel.ts";

/** A kernel with everything but its buffers: which pipeline, and over which grid. */
export interface KernelCall {
  spec: KernelSpec;
  constants: KernelConstants;
  grid: Grid;
  /** contents of the uniform at binding 0, for kernels whose sizes are not override constants */
  sizes?: Uint32Array<ArrayBuffer>;
}

/** One workgroup an item, folded into y where there are many; kernels recover it as `x + y * groups.x`. */
export function foldedGrid(itemCount: number): Grid {
  const y = Math.ceil(itemCount / 65535);
  return [Math.max(1, Math.ceil(itemCount / y)), Math.max(1, y), 1];
}

/** Threads in a workgroup of every kernel that includes prelude/linearIndex.wgsl. */
export const LINEAR_WORKGROUP_SIZE = 64;
