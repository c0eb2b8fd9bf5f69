/** The functions of a storage on the adapter: what is written comes back as the twin says, at every index and width. */
import { ShaderError } from "@starling/shaders/errors";
import { storageBytes, storedValues, withStorage, type Overflow, type Storage } from "@starling/shaders/kernels/storage";
import { roundToStorage, toHalves } from "@starling/shaders/reference/storage";
import type { KernelSpec } from "@starling/shaders";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { normals } from "./testing.ts";

const ELEMENTS = 24;

/** y := x by `width` elements a thread; x and y marked `wide` or not. */
function copyKernel(width: 1 | 2 | 4, wide: boolean): KernelSpec {
  const mark = wide ? " vec4" : "";
  const n = width === 1 ? "" : `${width}`;
  return {
    name: `test.copy${n}${wide ? "wide" : ""}`,
    wgsl: `// y[i] = x[i]
@group(0) @binding(0) var<storage, read> x: array<f32>; // storage: x${mark}
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // storage: y${mark}
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x * ${width}u;
  set${n}_y(i, get${n}_x(i));
}
`,
    bindings: [
      { name: "x", kind: "read" },
      { name: "y", kind: "read_write" },
    ],
  };
}

/** Halves that are exact, ties, subnormal, at the edge, beyond it, not numbers; then normal values. */
const VALUES = Float32Array.from([
  ...[0, 1, -2.5, 65504, -65504, 65519, 65520, -1e9, Infinity, NaN],
  ...[1 + 2 ** -11, 1 + 3 * 2 ** -11, -(1 + 2 ** -11), 2 ** -14, 2 ** -24, 1.5 * 2 ** -24, 2.5 * 2 ** -24, 2 ** -26],
  ...normals(ELEMENTS - 18, 1),
]);

describe("storage", () => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice();
  });
  afterAll(() => device.dispose());

  async function copy(spec: KernelSpec, width: number, from: Storage, to: Storage, overflow: Overflow) {
    const x = device.bufferOf("x", from === "f32" ? VALUES : toHalves(roundToStorage(VALUES, from, "saturate")));
    const y = device.buffer("y", storageBytes(to, ELEMENTS));
    device.run([await device.dispatch(withStorage(spec, { x: from, y: to }, overflow), {}, [x, y], [ELEMENTS / width, 1, 1])]);
    const out = storedValues(await device.read(y), to, ELEMENTS);
    x.destroy();
    y.destroy();
    return [...out];
  }
  const stored = (storage: Storage, overflow: Overflow) => [...roundToStorage(VALUES, storage, overflow)];

  test.for([
    ["f32", 1, false],
    ["f32", 4, false],
    ["f32", 4, true],
    ["f16", 1, false],
    ["f16", 2, false],
    ["f16", 4, false],
    ["f16", 4, true],
    ["packed", 2, false],
    ["packed", 4, false],
    ["packed", 4, true],
  ] as const)("%s, %i elements a thread, declared vec4: %s", async ([storage, width, wide], context) => {
    if (storage === "f16" && !device.features.shaderF16) return context.skip(`${device.adapter.description} has no shader-f16`);
    const spec = copyKernel(width, wide);
    expect(await copy(spec, width, "f32", storage, "saturate")).toEqual(stored(storage, "saturate"));
    expect(await copy(spec, width, storage, "f32", "saturate")).toEqual(stored(storage, "saturate"));
    if (storage !== "f32") expect(await copy(spec, width, "f32", storage, "invalidate")).toEqual(stored(storage, "invalidate"));
  });

  test("packed is read one by one too, at even and odd indices", async () => {
    expect(await copy(copyKernel(1, false), 1, "packed", "f32", "saturate")).toEqual(stored("packed", "saturate"));
  });

  test("what a storage cannot do is refused before the adapter sees it", () => {
    const refusal = (use: () => unknown) => {
      try {
        use();
      } catch (error) {
        expect(error).toBeInstanceOf(ShaderError);
        return (error as ShaderError).message;
      }
      return "not refused";
    };
    expect(refusal(() => withStorage(copyKernel(1, false), { y: "packed" }))).toContain("written by set2 or set4");
    expect(refusal(() => withStorage(copyKernel(2, true), { y: "f32" }))).toContain("get2_x does not exist");
    expect(refusal(() => withStorage(copyKernel(1, false), { z: "f16" }))).toContain('no binding marked "storage: z"; it has x, y');
    const direct = copyKernel(1, false);
    expect(refusal(() => withStorage({ ...direct, wgsl: direct.wgsl.replace("get_x(i)", "x[i]") }))).toContain("indexes x directly");
    const misnamed = { ...direct, wgsl: direct.wgsl.replace("storage: y", "storage: z") };
    expect(refusal(() => withStorage(misnamed))).toContain("must agree");
  });

  test("the name tells the pipelines apart", () => {
    const spec = copyKernel(2, false);
    expect(withStorage(spec).name).toBe(spec.name);
    expect(withStorage(spec, { x: "packed", y: "packed" }).name).toBe("test.copy2[x:packed,y:packed]");
    expect(withStorage(spec, { y: "f16" }, "invalidate").name).toBe("test.copy2[y:f16,invalidate]");
    expect(storageBytes("f32", 3)).toBe(12);
    expect(storageBytes("packed", 3)).toBe(8);
  });
});
