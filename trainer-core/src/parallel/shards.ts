/**
 * Which part of each tensor a device of a tensor-parallel group holds (Shoeybi et al. 2019, "Megatron-LM", arXiv 1909.08053, section 3):
 * query, key and value heads and feed-forward neurons by rows, what they feed by columns, embedding and classifier by rows of the vocabulary,
 * norms whole.
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { EMBEDDING_NAME, LM_HEAD_NAME, type ParameterSpec } from "../model/parameters.ts";
import { ParallelError } from "./errors.ts";

/** The `index`th of `count` devices. */
export interface Shard {
  index: number;
  count: number;
}

/** First and last + 1 of `total` things that are this shard's; shares differ by one at most. */
export function rangeOf(total: number, { index, count }: Shard): readonly [first: number, end: number] {
  return [Math.floor((total * index) / count), Math.floor((total * (index + 1)) / count)];
}

/**
 * Every device needs equally many query heads, and whole key and value heads: either equally many, or one that several devices hold
 * alike (what each finds of its gradient is then a part, and the parts are added up with everything else). Errors: ParallelError
 * indivisible, with the counts that would do.
 */
export function assertDivisible(config: LlamaConfig, count: number): void {
  const { numHeads, numKvHeads, intermediateSize, vocabSize } = config;
  const fits = (n: number) =>
    numHeads % n === 0 && (numKvHeads % n === 0 || n % numKvHeads === 0) && n <= intermediateSize && n <= vocabSize;
  if (fits(count)) return;
  const possible = Array.from({ length: numHeads }, (_, n) => n + 1).filter(fits);
  throw new ParallelError(
    "indivisible",
    `the model cannot be split over ${count} devices: its ${numHeads} query heads and ${numKvHeads} key and value heads do not come out even; a tensor parallelism of ${possible.join(" or ")} would do`,
  );
}

/** This shard's key and value heads. */
function keyHeads({ numKvHeads }: LlamaConfig, shard: Shard): readonly [first: number, end: number] {
  if (numKvHeads % shard.count === 0) return rangeOf(numKvHeads, shard);
  const head = Math.floor((shard.index * numKvHeads) / shard.count);
  return [head, head + 1];
}

/** The model as a device of the group sees it: its own heads, neurons and vocabulary. */
export function shardConfig(config: LlamaConfig, shard: Shard): LlamaConfig {
  const own = (total: number) => {
    const [first, end] = rangeOf(total, shard);
    return end - first;
  };
  return {
    ...config,
    numHeads: config.numHeads / shard.count,
    numKvHeads: Math.max(1, config.numKvHeads / shard.count),
    intermediateSize: own(config.intermediateSize),
    vocabSize: own(config.vocabSize),
  };
}

/** Part of a tensor: `columns` elements from `first` on in each of `rows` rows of `pitch` elements. `isWhole`: every device holds all of it. */
export interface TensorSlice {
  rows: number;
  columns: number;
  pitch: number;
  first: number;
  isWhole: boolean;
}

export function tensorSlice(config: LlamaConfig, { name, shape }: ParameterSpec, shard: Shard): TensorSlice {
  const [rows, width] = shape.length === 1 ? [1, shape[0]] : shape;
  const byRows = ([first, end]: readonly [number, number]): TensorSlice => ({
    rows: 1,
    columns: (end - first) * width,
    pitch: rows * width,
    first: first * width,
    isWhole: false,
  });
  const byColumns = ([first, end]: readonly [number, number]): TensorSlice => ({
    rows,
    columns: end - first,
    pitch: width,
    first,
    isWhole: false,
  });
  const heads = ([first, end]: readonly [number, number]) => [first * config.headDim, end * config.headDim] as const;
  if (name === EMBEDDING_NAME || name === LM_HEAD_NAME) return byRows(rangeOf(config.vocabSize, shard));
  const part = name.split(".").at(-2);
  switch (part) {
    case "q_proj":
      return byRows(heads(rangeOf(config.numHeads, shard)));
    case "k_proj":
    case "v_proj":
      return byRows(heads(keyHeads(config, shard)));
    case "o_proj":
      return byColumns(heads(rangeOf(config.numHeads, shard)));
    case "gate_proj":
    case "up_proj":
      return byRows(rangeOf(config.intermediateSize, shard));
    case "down_proj":
      return byColumns(rangeOf(config.intermediateSize, shard));
    case "norm":
    case "input_layernorm":
    case "post_attention_layernorm":
      return { rows: 1, columns: rows * width, pitch: rows * width, first: 0, isWhole: true };
    default:
      throw new ParallelError("unsupported", `no rule says how to split the tensor ${name} over devices`);
  }
}
