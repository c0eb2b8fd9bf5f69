/** The text for tensor cores of shapes that no adapter here has, NVIDIA's among them: Dawn's null backend compiles it, and runs nothing. */
import { matmul, MATMUL_FORMS, type MatrixShape } from "@starling/shaders/kernels/matmul";
import { DEFAULT_TUNING, MATMUL_TILES } from "@starling/shaders/kernels/matmulTiles";
import { STORAGES } from "@starling/shaders/kernels/storage";
import { tuningOf } from "@starling/shaders/lab/tuning";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDawn } from "./dawn.node.ts";

const SHAPES: MatrixShape[] = [
  { M: 16, N: 16, K: 16 },
  { M: 16, N: 8, K: 16 },
  { M: 16, N: 8, K: 8 },
  { M: 8, N: 8, K: 8 },
];

let device: GPUDevice;
beforeAll(async () => {
  const gpu = await createDawn(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  const adapter = (await gpu.requestAdapter())!;
  const wanted = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"] as GPUFeatureName[];
  device = await adapter.requestDevice({ requiredFeatures: wanted });
});
afterAll(() => device.destroy());

async function errors(code: string): Promise<string[]> {
  device.pushErrorScope("validation");
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  await device.popErrorScope();
  return messages.filter(({ type }) => type === "error").map(({ lineNum, message }) => `${lineNum}: ${message}`);
}

test("every form, tile, shape and storage of the tensor kernel compiles", async () => {
  const texts = new Map<string, string>();
  const add = (shape: MatrixShape, tile: string, storage: (typeof STORAGES)[number], n: number) => {
    for (const form of MATMUL_FORMS) {
      const tuning = tuningOf({ tensor: { [form]: { small: tile } } });
      const adapter = { subgroups: true, maxSubgroupSize: 32, subgroupMatrices: [shape] };
      // an odd width cannot be written packed
      const storages = { a: storage, b: storage, c: storage === "packed" && n % 4 !== 0 ? "f32" : storage } as const;
      const { spec } = matmul("tensor", form, "residual", 96, n, 64, { adapter, tuning, storages });
      texts.set(spec.name, spec.wgsl);
    }
  };
  for (const shape of SHAPES) for (const tile of Object.keys(MATMUL_TILES.tensor)) for (const n of [40, 41]) add(shape, tile, "f32", n);
  for (const shape of SHAPES)
    for (const storage of STORAGES) for (const n of [40, 41]) add(shape, DEFAULT_TUNING.tensor.forward.small, storage, n);
  for (const [name, text] of texts) {
    expect(text).toContain("subgroupMatrixMultiplyAccumulate");
    expect(text).not.toContain("// baked");
    expect(await errors(text), name).toEqual([]);
  }
  expect(texts.size).toBeGreaterThan(24);
  // and the null backend does look
  expect(await errors([...texts.values()][0].replace("_major>(&aTile", "_major>(&missing"))).not.toEqual([]);
});
