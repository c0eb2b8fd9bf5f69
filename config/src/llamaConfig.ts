/**
 * A Llama's Hugging Face `config.json`. transformers 4 writes `rope_theta`, `rope_scaling`, `torch_dtype`; transformers 5
 * writes `rope_parameters` and `dtype`. Both are read; what we write carries both, so both load it.
 */
import { ConfigError, issue, show, type Issue } from "./errors.ts";
import { brokenRule, type FieldSpec } from "./fieldSpec.ts";
import { isTable, type JsonObject } from "./run/schema.ts";

export type RopeScaling =
  | { type: "linear"; factor: number }
  | { type: "llama3"; factor: number; lowFreqFactor: number; highFreqFactor: number; originalMaxPositionEmbeddings: number };

export interface LlamaConfig {
  vocabSize: number;
  hiddenSize: number;
  /** width of the feed-forward block */
  intermediateSize: number;
  numLayers: number;
  numHeads: number;
  /** divides numHeads */
  numKvHeads: number;
  /** even; numHeads * headDim may differ from hiddenSize */
  headDim: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  tieWordEmbeddings: boolean;
  maxPositionEmbeddings: number;
  bosTokenId: number | null;
  eosTokenId: number | readonly number[] | null;
}

// Bounds keep every product of two sizes an exact integer; they are above any Llama there is.
const width = { type: "integer", min: 1, max: 1 << 20 } as const;
const count = { type: "integer", min: 1, max: 1 << 14 } as const;
const positions = { type: "integer", unit: "tokens", min: 1, max: 1 << 30 } as const;
const positive = { type: "number", above: 0 } as const;

/** The keys of a config.json that a form asks for; its other keys (RoPE scaling, token ids) are read below. */
export const llamaFields = {
  vocab_size: { type: "integer", unit: "tokens", min: 1, max: 1 << 24, doc: "Tokens in the vocabulary; 256 for plain bytes." },
  hidden_size: { ...width, unit: "values", doc: "Width of the residual stream." },
  intermediate_size: { ...width, unit: "neurons", doc: "Width of the feed-forward block." },
  num_hidden_layers: { ...count, unit: "layers", doc: "Transformer blocks." },
  num_attention_heads: { ...count, unit: "heads", doc: "Attention heads." },
  num_key_value_heads: {
    ...count,
    unit: "heads",
    optional: true,
    doc: "Heads of keys and values; divides num_attention_heads. Left out = as many as those.",
  },
  head_dim: { ...count, unit: "values", optional: true, doc: "Width of a head, even; left out = hidden_size / num_attention_heads." },
  max_position_embeddings: { ...positions, default: 2048, doc: "Longest sequence the model is made for; at least max_seq_len." },
  tie_word_embeddings: {
    type: "boolean",
    default: false,
    doc: "Whether the output projection is the embedding itself, which saves a matrix.",
  },
  rms_norm_eps: { ...positive, default: 1e-6, doc: "Added to the mean square in RMSNorm." },
  rope_theta: { ...positive, default: 10_000, doc: "Base of the rotary embedding's wavelengths." },
} as const satisfies Readonly<Record<string, FieldSpec>>;

const factor: FieldSpec = { ...positive, doc: "" };
const originalPositions: FieldSpec = { ...positions, doc: "" };

/**
 * Reads a parsed config.json. Throws `ConfigError` (`model-config`) that lists everything that is missing, out of range or
 * beyond the Llama family as we compute it (biases, other activations, other RoPE scalings).
 */
export function parseLlamaConfig(json: unknown): LlamaConfig {
  if (!isTable(json)) {
    throw new ConfigError("model-config", "The model config must be a JSON object.", [issue("config.json", json, "must be a JSON object")]);
  }
  const issues: Issue[] = [];
  const read = <T>(source: JsonObject, prefix: string, key: string, spec: FieldSpec, fallback?: T): T => {
    const value = Object.hasOwn(source, key) ? (source[key] ?? undefined) : undefined;
    if (value === undefined && fallback !== undefined) return fallback;
    const rule = value === undefined ? "is required" : brokenRule(spec, value);
    if (rule !== null) issues.push(issue(prefix + key, value, rule));
    return value as T;
  };
  const known = <T>(key: keyof typeof llamaFields, fallback = (llamaFields[key] as FieldSpec).default as T): T =>
    read(json, "", key, llamaFields[key], fallback);

  refuseOtherModels(json, issues);
  const hiddenSize = known<number>("hidden_size");
  const numHeads = known<number>("num_attention_heads");
  const numKvHeads = known("num_key_value_heads", numHeads);
  const headDim = known("head_dim", hiddenSize / numHeads);
  if (numHeads % numKvHeads > 0) {
    issues.push(issue("num_key_value_heads", numKvHeads, `must divide num_attention_heads = ${numHeads}`));
  }
  if (issues.length === 0 && headDim % 2 !== 0) {
    const rule = "must be an even integer: RoPE turns pairs. It is hidden_size / num_attention_heads unless head_dim says otherwise";
    issues.push(issue("head_dim", headDim, rule));
  }

  const ropeParameters = optionalTable(json, "rope_parameters", issues);
  const ropeScalingTable = optionalTable(json, "rope_scaling", issues);
  // transformers 5 keeps theta inside; its word counts where both styles are present
  const ropeTheta =
    ropeParameters?.["rope_theta"] === undefined
      ? known<number>("rope_theta")
      : read<number>(ropeParameters, "rope_parameters.", "rope_theta", llamaFields.rope_theta);
  const ropeKey = ropeParameters === null ? "rope_scaling." : "rope_parameters.";
  const rope = ropeParameters ?? ropeScalingTable;
  const ropeScaling = rope === null ? null : readRopeScaling(rope, ropeKey, (key, spec) => read(rope, ropeKey, key, spec), issues);

  const config: LlamaConfig = {
    vocabSize: known<number>("vocab_size"),
    hiddenSize,
    intermediateSize: known<number>("intermediate_size"),
    numLayers: known<number>("num_hidden_layers"),
    numHeads,
    numKvHeads,
    headDim,
    rmsNormEps: known<number>("rms_norm_eps"),
    ropeTheta,
    ropeScaling,
    tieWordEmbeddings: known<boolean>("tie_word_embeddings"),
    maxPositionEmbeddings: known<number>("max_position_embeddings"),
    bosTokenId: tokenIds(json, "bos_token_id", issues) as number | null,
    eosTokenId: tokenIds(json, "eos_token_id", issues),
  };
  if (issues.length > 0) throw new ConfigError("model-config", "The model config cannot be used:", issues);
  return config;
}

function refuseOtherModels(json: JsonObject, issues: Issue[]): void {
  const only = (key: string, allowed: unknown, why: string): void => {
    const value = json[key];
    if (value !== undefined && value !== null && value !== allowed) issues.push(issue(key, value, `must be ${show(allowed)}: ${why}`));
  };
  only("model_type", "llama", "only the Llama family is supported");
  only("hidden_act", "silu", "the feed-forward block is SwiGLU");
  only("attention_bias", false, "Llama's projections have no biases here");
  only("mlp_bias", false, "Llama's projections have no biases here");
  only("partial_rotary_factor", 1, "RoPE turns whole heads");
  const architectures = json["architectures"];
  if (Array.isArray(architectures) && !architectures.includes("LlamaForCausalLM")) {
    issues.push(issue("architectures", architectures, "must name LlamaForCausalLM"));
  }
}

function optionalTable(json: JsonObject, key: string, issues: Issue[]): JsonObject | null {
  const value = json[key];
  if (value === undefined || value === null) return null;
  if (isTable(value)) return value;
  issues.push(issue(key, value, "must be an object or null"));
  return null;
}

function readRopeScaling(
  rope: JsonObject,
  prefix: string,
  read: (key: string, spec: FieldSpec) => number,
  issues: Issue[],
): RopeScaling | null {
  // `type` is the key of older files
  const type = rope["rope_type"] ?? rope["type"] ?? "default";
  if (type === "default") return null;
  if (type === "linear") return { type, factor: read("factor", factor) };
  if (type === "llama3") {
    const scaling = {
      type,
      factor: read("factor", factor),
      lowFreqFactor: read("low_freq_factor", factor),
      highFreqFactor: read("high_freq_factor", factor),
      originalMaxPositionEmbeddings: read("original_max_position_embeddings", originalPositions),
    } as const;
    if (scaling.highFreqFactor <= scaling.lowFreqFactor) {
      const rule = `must be more than low_freq_factor = ${scaling.lowFreqFactor}`;
      issues.push(issue(`${prefix}high_freq_factor`, scaling.highFreqFactor, rule));
    }
    return scaling;
  }
  issues.push(issue(`${prefix}rope_type`, type, "must be default, linear or llama3"));
  return null;
}

function tokenIds(json: JsonObject, key: string, issues: Issue[]): number | readonly number[] | null {
  const value = json[key];
  if (value === undefined || value === null) return null;
  const isId = (id: unknown): id is number => Number.isSafeInteger(id) && (id as number) >= 0;
  if (isId(value)) return value;
  if (key === "eos_token_id" && Array.isArray(value) && value.length > 0 && value.every(isId)) return value;
  issues.push(issue(key, value, key === "eos_token_id" ? "must be a token id or a list of them" : "must be a token id"));
  return null;
}

/** The config.json of a checkpoint we write: float32, keys of transformers 4 plus `rope_parameters` and `dtype` of 5. */
export function toHfConfig(config: LlamaConfig): Record<string, unknown> {
  const scaling = config.ropeScaling === null ? null : hfRopeScaling(config.ropeScaling);
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    num_key_value_heads: config.numKvHeads,
    head_dim: config.headDim,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    rope_scaling: scaling,
    rope_parameters: { rope_theta: config.ropeTheta, ...(scaling ?? { rope_type: "default" }) },
    tie_word_embeddings: config.tieWordEmbeddings,
    max_position_embeddings: config.maxPositionEmbeddings,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    torch_dtype: "float32",
    dtype: "float32",
  };
}

function hfRopeScaling(scaling: RopeScaling): Record<string, unknown> {
  if (scaling.type === "linear") return { rope_type: "linear", factor: scaling.factor };
  return {
    rope_type: "llama3",
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  };
}
