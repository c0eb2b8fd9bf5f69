import type { KernelBinding, KernelSpec } from "../kernel.ts";
import { withStorage, type Overflow, type Storage } from "./storage.ts";

export interface RowAccess {
  /** columns of a row (of a head: its dimensions) */
  width: number;
  /** the same in the kernel's text */
  limit: string;
  /** the kernel asks for 4 columns below a multiple of this: beyond `width` where it does not divide it */
  step: number;
  /** bindings that are always f32 and indexed directly, or uniforms */
  plain: readonly string[];
  storages: Readonly<Record<string, Storage>>;
  overflow: Overflow;
}

/**
 * `spec` with functions for its other bindings, each of 4 columns of the row that begins at element `at`:
 *
 *     load_NAME(at, d) -> vec4<f32>      store_NAME(at, d, vec4<f32>)
 *
 * Where 4 divides the width, tensors are arrays of 4-vectors. What lies beyond the width reads as 0 and is not written.
 * Errors: ShaderError storage (a packed tensor needs a width that 4 divides).
 */
export function withRowAccess(spec: KernelSpec, { width, limit, step, plain, storages, overflow }: RowAccess): KernelSpec {
  const stored = spec.bindings.filter(({ name }) => !plain.includes(name));
  const functions = stored.map(({ name, kind }: KernelBinding) => {
    let load = `get4_${name}(at + d)`;
    let store = `set4_${name}(at + d, row4);`;
    if (width % 4 !== 0) {
      load = `select(vec4<f32>(), ${load}, vec4(d, d + 1u, d + 2u, d + 3u) < vec4(${limit}))`;
      store = `for (var c = 0u; c < 4u; c++) { if (d + c < ${limit}) { set_${name}(at + d + c, row4[c]); } }`;
    } else if (width % step !== 0) {
      load = `select(vec4<f32>(), ${load}, d < ${limit})`;
      store = `if (d < ${limit}) { ${store} }`;
    }
    const loading = `fn load_${name}(at: u32, d: u32) -> vec4<f32> { return ${load}; }\n`;
    const storing = `fn store_${name}(at: u32, d: u32, row4: vec4<f32>) { ${store} }\n`;
    return kind === "read" ? loading : loading + storing;
  });
  const text = spec.wgsl + functions.join("");
  const declared = width % 4 === 0 ? text.replace(/(\/\/ storage: \w+)$/gm, "$1 vec4") : text;
  return withStorage({ ...spec, wgsl: declared }, storages, overflow);
}
