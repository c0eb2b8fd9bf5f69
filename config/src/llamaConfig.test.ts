import { describe, expect, test } from "vitest";
import { ConfigError } from "./errors.ts";
import { parseLlamaConfig, toHfConfig } from "./llamaConfig.ts";

/** As transformers 4 writes it. */
const V4 = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  attention_bias: false,
  bos_token_id: 1,
  eos_token_id: [2, 3],
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
  tie_word_embeddings: true,
  torch_dtype: "float32",
  vocab_size: 128,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 1,
};

function keysOf(json: unknown): string[] {
  try {
    parseLlamaConfig(json);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.code).toBe("model-config");
    return error.issues.map((issue) => issue.key);
  }
  return [];
}

test("the style of transformers 4", () => {
  expect(parseLlamaConfig(V4)).toEqual({
    vocabSize: 128,
    hiddenSize: 64,
    intermediateSize: 96,
    numLayers: 1,
    numHeads: 4,
    numKvHeads: 1,
    headDim: 16,
    rmsNormEps: 1e-5,
    ropeTheta: 500_000,
    ropeScaling: { type: "llama3", factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 64 },
    tieWordEmbeddings: true,
    maxPositionEmbeddings: 512,
    bosTokenId: 1,
    eosTokenId: [2, 3],
  });
});

test("the style of transformers 5", () => {
  const { rope_theta: _theta, rope_scaling: _scaling, torch_dtype: _dtype, ...rest } = V4;
  const v5 = { ...rest, dtype: "float32", rope_parameters: { rope_theta: 20_000, rope_type: "default" } };
  expect(parseLlamaConfig(v5)).toMatchObject({ ropeTheta: 20_000, ropeScaling: null });
  const scaled = { ...rest, rope_parameters: { rope_theta: 500_000, ...V4.rope_scaling } };
  expect(parseLlamaConfig(scaled)).toEqual(parseLlamaConfig(V4));
});

test("defaults, the older key of rope_scaling, and a head_dim of its own", () => {
  const small = { vocab_size: 8, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 2 };
  expect(parseLlamaConfig({ ...small, rope_scaling: { type: "linear", factor: 2 }, head_dim: 6 })).toEqual({
    vocabSize: 8,
    hiddenSize: 8,
    intermediateSize: 8,
    numLayers: 1,
    numHeads: 2,
    numKvHeads: 2,
    headDim: 6,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    ropeScaling: { type: "linear", factor: 2 },
    tieWordEmbeddings: false,
    maxPositionEmbeddings: 2048,
    bosTokenId: null,
    eosTokenId: null,
  });
});

describe("refused", () => {
  test.each<[Record<string, unknown>, string[]]>([
    [{ attention_bias: true }, ["attention_bias"]],
    [{ mlp_bias: true }, ["mlp_bias"]],
    [{ hidden_act: "gelu" }, ["hidden_act"]],
    [{ model_type: "mistral" }, ["model_type"]],
    [{ architectures: ["MistralForCausalLM"] }, ["architectures"]],
    [{ partial_rotary_factor: 0.5 }, ["partial_rotary_factor"]],
    [{ vocab_size: undefined }, ["vocab_size"]],
    [{ vocab_size: 0, hidden_size: "64" }, ["hidden_size", "vocab_size"]],
    [{ num_hidden_layers: 1e9 }, ["num_hidden_layers"]],
    [{ num_key_value_heads: 3 }, ["num_key_value_heads"]],
    [{ hidden_size: 66 }, ["head_dim"]],
    [{ head_dim: 15 }, ["head_dim"]],
    [{ rms_norm_eps: 0 }, ["rms_norm_eps"]],
    [{ rope_scaling: { rope_type: "yarn", factor: 2 } }, ["rope_scaling.rope_type"]],
    [{ rope_scaling: { rope_type: "linear" } }, ["rope_scaling.factor"]],
    [{ rope_scaling: 3 }, ["rope_scaling"]],
    [{ rope_scaling: { ...V4.rope_scaling, high_freq_factor: 1 } }, ["rope_scaling.high_freq_factor"]],
    [{ rope_parameters: { rope_theta: -1, rope_type: "default" } }, ["rope_parameters.rope_theta"]],
    [{ eos_token_id: ["a"] }, ["eos_token_id"]],
    [{ bos_token_id: [1] }, ["bos_token_id"]],
    [{ tie_word_embeddings: "yes" }, ["tie_word_embeddings"]],
  ])("%j", (edit, keys) => {
    expect(keysOf({ ...V4, ...edit })).toEqual(keys);
  });
  test.each([null, 3, "x", [], undefined])("%j", (json) => {
    expect(keysOf(json)).toEqual(["config.json"]);
  });
});

test("what is written is read back by either style alone", () => {
  for (const rope_scaling of [null, { type: "linear", factor: 2.5 }, V4.rope_scaling]) {
    const config = parseLlamaConfig({ ...V4, rope_scaling, head_dim: 32 });
    const written = toHfConfig(config);
    expect(parseLlamaConfig(JSON.parse(JSON.stringify(written)))).toEqual(config);
    expect(parseLlamaConfig({ ...written, rope_parameters: undefined })).toEqual(config);
    expect(parseLlamaConfig({ ...written, rope_theta: undefined, rope_scaling: undefined })).toEqual(config);
  }
});
