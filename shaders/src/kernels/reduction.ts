import { wgsl } from "../generated/reduce.ts";
import type { KernelSpec } from "../kernel.ts";

/** `spec`, a kernel of 128 threads a workgroup, with `workgroupSum` and `workgroupMax`: by subgroups, or by a tree that runs anywhere. */
export function withReduction(spec: KernelSpec, subgroups: boolean): KernelSpec {
  return subgroups
    ? { ...spec, name: `${spec.name}[subgroups]`, wgsl: `${wgsl.subgroups}${spec.wgsl}` }
    : { ...spec, wgsl: `${spec.wgsl}${wgsl.tree}` };
}
