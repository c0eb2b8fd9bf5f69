/**
 * MatFormer: tier t is the model whose feed-forward blocks have their first intermediate_size / 2^t neurons alone: the first rows of
 * gate_proj and up_proj, the first columns of down_proj; everything else is whole (Devvrit et al., "MatFormer", 2023).
 */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { chunkSide } from "@starling/shaders/kernels/compress/tileLayout";
import type { ParameterSpec } from "./parameters.ts";

/** What one client trains. */
export interface MatformerPart {
  tier: number;
  /** only the tier's part is in memory; else the whole model is, and the rest of it follows what wider clients send */
  sliced: boolean;
}

export const WHOLE_MODEL: MatformerPart = { tier: 0, sliced: false };

/** The bits that name a tier on the wire hold no more. */
export const MAX_TIER = 16;

/** Which axis of a tensor a tier shortens, null: none. */
export function prefixAxis(name: string): "rows" | "columns" | null {
  if (name.endsWith(".mlp.gate_proj.weight") || name.endsWith(".mlp.up_proj.weight")) return "rows";
  return name.endsWith(".mlp.down_proj.weight") ? "columns" : null;
}

/** Neurons that tier `tier` has of `intermediateSize`. Throws RangeError where they cannot be halved so often. */
export function tierWidth(intermediateSize: number, tier: number): number {
  const width = intermediateSize / 2 ** tier;
  if (!Number.isInteger(tier) || tier < 0 || tier > MAX_TIER || !Number.isInteger(width)) {
    throw new RangeError(`tier ${tier} needs an intermediate_size divisible by 2^${tier}, the model has ${intermediateSize}`);
  }
  return width;
}

/** The tier as an ordinary, narrower model. */
export function tierConfig(config: LlamaConfig, tier: number): LlamaConfig {
  return { ...config, intermediateSize: tierWidth(config.intermediateSize, tier) };
}

/** The shape that a tensor has in tier `tier`. */
export function tierShape({ name, shape }: ParameterSpec, tier: number): readonly number[] {
  const axis = prefixAxis(name);
  if (tier === 0 || axis === null) return shape;
  return axis === "rows" ? [tierWidth(shape[0], tier), shape[1]] : [shape[0], tierWidth(shape[1], tier)];
}

/**
 * The largest tier whose results can be added up with those of the whole model: the widths of all tiers up to it are cut into tiles
 * of one size, so that a narrower client's tiles are tiles of the whole model. `chunk`: largest tile side.
 */
export function largestTier(intermediateSize: number, chunk: number): number {
  const side = chunkSide(intermediateSize, chunk);
  let tier = 0;
  while (tier < MAX_TIER && intermediateSize % 2 ** (tier + 1) === 0 && chunkSide(intermediateSize / 2 ** (tier + 1), chunk) === side)
    tier++;
  return tier;
}

/** Why a run with this model cannot have clients of this tier, in a sentence; null: it can. */
export function tierRefusal(intermediateSize: number, chunk: number, tier: number): string | null {
  const largest = largestTier(intermediateSize, chunk);
  if (tier <= largest) return null;
  const model = `this model has intermediate_size = ${intermediateSize}`;
  const wanted = intermediateSize / 2 ** tier;
  const why = Number.isInteger(wanted)
    ? `its ${intermediateSize} neurons are compressed in tiles of ${chunkSide(intermediateSize, chunk)}, those of tier ${tier} (${wanted} neurons) would be in tiles of ${chunkSide(wanted, chunk)}, and coefficients of different tiles cannot be averaged exactly`
    : `that many halvings leave no whole number of neurons`;
  const side = chunkSide(intermediateSize, chunk);
  return `MatFormer tier ${tier}: ${model}, and ${why}. Its largest tier is ${largest}; tiers up to ${tier} need an intermediate_size divisible by compression_chunk x 2^${tier} = ${chunk * 2 ** tier}, or a smaller compression_chunk than ${side}`;
}

/** The first rows or columns of a tensor; a view where these lie together. `shape` and `part`: (rows, columns), or equal. */
export function prefixValues(
  values: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  part: readonly number[],
): Float32Array<ArrayBuffer> {
  const elements = part.reduce((product, side) => product * side, 1);
  if (shape.at(-1) === part.at(-1)) return values.subarray(0, elements);
  const [rows, columns] = part;
  const out = new Float32Array(elements);
  for (let row = 0; row < rows; row++) out.set(values.subarray(row * shape[1], row * shape[1] + columns), row * columns);
  return out;
}
