import type { LlamaConfig } from "@starling/config/llamaConfig";

/** A parameter's Hugging Face name and shape; matrices are (out, in), row-major. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A parameter's values, f32, row-major. */
export interface ParameterTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** All parameters of a model by name, in the order of `llamaParameters`. */
export type ParameterMap = Map<string, ParameterTensor>;

/** The name of the output projection, which a model with tied embeddings does not have. */
export const EMBEDDING_NAME = "model.embed_tokens.weight";
export const LM_HEAD_NAME = "lm_head.weight";

/**
 * Every parameter of a Llama, in ascending name order. That order is the canonical one: tensor indexes in hashes, results and
 * the initial weights count along it. Names are ASCII, so string order is byte order ("layers.10" comes before "layers.2").
 */
export function llamaParameters(config: LlamaConfig): ParameterSpec[] {
  const { hiddenSize, intermediateSize, vocabSize, headDim } = config;
  const queryWidth = config.numHeads * headDim;
  const keyValueWidth = config.numKvHeads * headDim;
  const specs: ParameterSpec[] = [
    { name: EMBEDDING_NAME, shape: [vocabSize, hiddenSize] },
    { name: "model.norm.weight", shape: [hiddenSize] },
  ];
  if (!config.tieWordEmbeddings) specs.push({ name: LM_HEAD_NAME, shape: [vocabSize, hiddenSize] });
  for (let layer = 0; layer < config.numLayers; layer++) {
    const prefix = `model.layers.${layer}.`;
    specs.push(
      { name: `${prefix}input_layernorm.weight`, shape: [hiddenSize] },
      { name: `${prefix}self_attn.q_proj.weight`, shape: [queryWidth, hiddenSize] },
      { name: `${prefix}self_attn.k_proj.weight`, shape: [keyValueWidth, hiddenSize] },
      { name: `${prefix}self_attn.v_proj.weight`, shape: [keyValueWidth, hiddenSize] },
      { name: `${prefix}self_attn.o_proj.weight`, shape: [hiddenSize, queryWidth] },
      { name: `${prefix}post_attention_layernorm.weight`, shape: [hiddenSize] },
      { name: `${prefix}mlp.gate_proj.weight`, shape: [intermediateSize, hiddenSize] },
      { name: `${prefix}mlp.up_proj.weight`, shape: [intermediateSize, hiddenSize] },
      { name: `${prefix}mlp.down_proj.weight`, shape: [hiddenSize, intermediateSize] },
    );
  }
  return specs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Number of values in a tensor of this shape; 1 for a scalar's empty shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * Sets every value below 2^-125, minus zero included, to +0 in place. Adapters differ in whether they keep subnormal numbers; a
 * stored value that no adapter could flush is equal everywhere. Stored parameters always have this form (DESIGN.md section 4).
 */
export function canonicalizeInPlace(values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) if ((bits[i] & 0x7f000000) === 0) bits[i] = 0;
}
