/**
 * What a kernel is to the host: WGSL text, the order of its bindings, and which `override` constants it wants.
 * Every binding sits in @group(0), in the order listed here. Sizes are `override` constants (baked at pipeline
 * creation, so loops unroll); scalars that change from step to step come in a small uniform or storage buffer.
 */
export type BindingKind = "uniform" | "read" | "read_write";

export interface KernelBinding {
  name: string;
  kind: BindingKind;
}

export interface KernelSpec {
  /** unique: also the label of the pipeline in traces */
  name: string;
  wgsl: string;
  bindings: readonly KernelBinding[];
  entryPoint?: string;
}

/** Values of a kernel's `override` declarations. */
export type KernelConstants = Readonly<Record<string, number>>;

/** [x, y, z] workgroups. */
export type Grid = readonly [number, number, number];

/** The profiles that every family of kernels knows: `software` has no barriers and no workgroup memory, see README. */
export const BASE_PROFILES = ["software", "gpu"] as const;
export type BaseProfile = (typeof BASE_PROFILES)[number];

/** Which kernels a device gets: `tensor` multiplies on tensor cores and is `gpu` in all else. */
export const KERNEL_PROFILES = [...BASE_PROFILES, "tensor"] as const;
export type KernelProfile = (typeof KERNEL_PROFILES)[number];

/** The profile of a family that has no kernels of its own for tensor cores. */
export const baseProfile = (profile: KernelProfile): BaseProfile => (profile === "tensor" ? "gpu" : profile);

/** WebGPU's floor for maxComputeWorkgroupsPerDimension: larger grids fold into y. */
export const MAX_WORKGROUPS_PER_DIMENSION = 65535;

/**
 * Grid for one thread an item. Kernels recover the item as
 * `global_invocation_id.x + global_invocation_id.y * num_workgroups.x * WORKGROUP_SIZE` and test it against the count.
 */
export function linearGrid(itemCount: number, workgroupSize: number): Grid {
  const groups = Math.max(1, Math.ceil(itemCount / workgroupSize));
  if (groups <= MAX_WORKGROUPS_PER_DIMENSION) return [groups, 1, 1];
  const y = Math.ceil(groups / MAX_WORKGROUPS_PER_DIMENSION);
  return [Math.ceil(groups / y), y, 1];
}
