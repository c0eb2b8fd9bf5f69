import { createHash } from "node:crypto";
import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { loadRunConfig } from "@starling/config/presets.node";
import { describe, expect, test } from "vitest";
import { initialTensor, initialWeights } from "./initialWeights.ts";
import { canonicalizeInPlace, llamaParameters } from "./parameters.ts";

/** The model and seed of a preset. */
function start(preset: string): { config: LlamaConfig; seed: number } {
  const { checkpoint } = loadRunConfig(preset, import.meta.dirname).config.model.LLM;
  if (typeof checkpoint === "string" || !("Random" in checkpoint)) throw new Error(`${preset} does not start from random weights`);
  return { config: parseLlamaConfig(checkpoint.Random.config), seed: checkpoint.Random.seed };
}

const nano = start("nano-shakespeare").config;

function sha256OfWeights(config: LlamaConfig, seed: bigint | number): string {
  const hash = createHash("sha256");
  for (const { data } of initialWeights(config, seed).values()) hash.update(new Uint8Array(data.buffer));
  return hash.digest("hex");
}

describe("initial weights", () => {
  // The hashes were also computed by a separate NumPy implementation of the definition in initialWeights.ts.
  test.each([
    ["nano-shakespeare", "64c8974496dbf075611342a5cc1db8951ad6422dcb16e4a70d030497b8e403e0"],
    ["test", "5bb4ada9ac59c3a59c67e3f3a1b1b1048cfd3b3ad00f99cdfd93c56e643ee6fa"],
    ["llama2-20m", "3aec4f3b95a77215285b67b28cc2157065dd03ddac4138b42124f0ad5d2058f0"],
  ])("the start of preset %s never changes", (preset, sha256) => {
    const { config, seed } = start(preset);
    expect(sha256OfWeights(config, seed)).toBe(sha256);
  });

  test("all 64 bits of the seed count", () => {
    expect(sha256OfWeights(nano, 0)).toBe("3867f46ad4f287722927cb058243a37600f8f536b04ce06c4bad8ed69e9c81ae");
    expect(sha256OfWeights(nano, 2n ** 64n - 1n)).toBe("d04ec89981f15bbb73df4b2c6f6389728e0cba0ad8c904acee57c015d493268f");
  });

  test("matrices have the moments of a normal distribution with deviation 0.02", () => {
    const n = 1 << 20;
    const values = initialTensor({ name: "x", shape: [n / 64, 64] }, 3, 7);
    let mean = 0;
    for (const v of values) mean += v / n;
    let [m2, m4, lag1, lag64] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const z = values[i] / 0.02;
      m2 += (z * z) / n;
      m4 += z ** 4 / n;
      if (i >= 1) lag1 += (z * values[i - 1]) / 0.02 / n;
      if (i >= 64) lag64 += (z * values[i - 64]) / 0.02 / n;
    }
    // Standard errors at n = 2^20: mean and autocorrelation 1e-3 (in deviations), m2 1.4e-3, m4 9e-3. Four of them each.
    expect(Math.abs(mean / 0.02)).toBeLessThan(4e-3);
    expect(Math.abs(m2 - 1)).toBeLessThan(6e-3);
    expect(Math.abs(m4 - 2.9)).toBeLessThan(4e-2); // Irwin-Hall(12) has kurtosis 3 - 1.2/12
    expect(Math.abs(lag1)).toBeLessThan(4e-3);
    expect(Math.abs(lag64)).toBeLessThan(4e-3);
  });

  test("tensors and seeds are independent of each other", () => {
    const spec = { name: "x", shape: [256, 64] };
    const n = 256 * 64;
    const a = initialTensor(spec, 0, 0);
    for (const b of [initialTensor(spec, 1, 0), initialTensor(spec, 0, 1), initialTensor(spec, 0, 2n ** 32n)]) {
      let correlation = 0;
      for (let i = 0; i < n; i++) correlation += (a[i] * b[i]) / 0.0004 / n;
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(n));
    }
  });

  test("norms are one; every value has the stored form", () => {
    for (const [name, { shape, data }] of initialWeights(nano, 5)) {
      if (shape.length === 1)
        expect(
          data.every((v) => v === 1),
          name,
        ).toBe(true);
      const before = data.slice();
      canonicalizeInPlace(data);
      expect(new Uint8Array(data.buffer)).toEqual(new Uint8Array(before.buffer));
    }
  });

  test("a seed outside u64 is refused", () => {
    expect(() => initialWeights(nano, -1)).toThrow(RangeError);
    expect(() => initialWeights(nano, 2n ** 64n)).toThrow(RangeError);
  });
});

describe("parameters", () => {
  test("are in ascending name order with Hugging Face names and shapes", () => {
    const deep = llamaParameters({ ...nano, numLayers: 11, headDim: 24 });
    const names = deep.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names.indexOf("model.layers.10.mlp.up_proj.weight")).toBeLessThan(names.indexOf("model.layers.2.input_layernorm.weight"));
    expect(deep).toHaveLength(3 + 9 * 11);
    const shapes = new Map(deep.map(({ name, shape }) => [name, shape]));
    expect(shapes.get("model.layers.0.self_attn.q_proj.weight")).toEqual([96, 64]);
    expect(shapes.get("model.layers.0.self_attn.k_proj.weight")).toEqual([48, 64]);
    expect(shapes.get("model.layers.0.self_attn.o_proj.weight")).toEqual([64, 96]);
    expect(shapes.get("model.layers.0.mlp.down_proj.weight")).toEqual([64, 192]);
  });

  test("tied embeddings have no output projection", () => {
    expect(llamaParameters(nano).some(({ name }) => name === "lm_head.weight")).toBe(true);
    expect(llamaParameters({ ...nano, tieWordEmbeddings: true }).some(({ name }) => name === "lm_head.weight")).toBe(false);
  });

  test("canonical form: subnormals, tiny normals and minus zero become +0, the rest stays", () => {
    const values = new Float32Array([-0, 1e-45, -1e-40, 2 ** -126, -(2 ** -126), 2 ** -125, -(2 ** -125), 1]);
    canonicalizeInPlace(values);
    expect(Array.from(values, (v) => (Object.is(v, -0) ? "-0" : v))).toEqual([0, 0, 0, 0, 0, 2 ** -125, -(2 ** -125), 1]);
  });
});
