/**
 * Results of MatFormer tiers (model/matformer.ts) in one round. Tier t's result is that of the narrower model; its tiles are tiles of
 * the whole model, so a round adds up what it has of each tile, and a tile that a client does not hold is simply not sent by it.
 */
import { tileLayout, tileTopk, type TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { ABSENT_POSITION } from "@starling/shaders/reference/compress/integerDecode";
import { largestTier, prefixAxis, tierRefusal, tierShape } from "../model/matformer.ts";
import type { ParameterSpec } from "../model/parameters.ts";
import { decodeResult, resultFlags, type SentResult, type WireOptions } from "./wire.ts";
import { WireError } from "./wireError.ts";

export interface TierSet {
  /** neurons of the whole model's feed-forward blocks; null: it has none, and so no tiers beyond 0 */
  intermediateSize: number | null;
  chunk: number;
  /** [tier] by ascending name: the tiers that this model can have, with the tensors' layouts */
  layouts: readonly (readonly TileLayout[])[];
}

/** `whole`: the whole model's tensors by ascending name; `chunk`: largest tile side. Errors as tileLayout. */
export function tierSet(whole: readonly ParameterSpec[], chunk: number): TierSet {
  const intermediateSize = whole.find(({ name }) => prefixAxis(name) === "rows")?.shape[0] ?? null;
  const tiers = intermediateSize === null ? 0 : largestTier(intermediateSize, chunk);
  const layouts = Array.from({ length: tiers + 1 }, (_, tier) => whole.map((tensor) => tileLayout(tierShape(tensor, tier), chunk)));
  return { intermediateSize, chunk, layouts };
}

/** The layouts of a tier's tensors. Throws RangeError with the reason where the model has no such tier. */
export function layoutsOfTier({ intermediateSize, chunk, layouts }: TierSet, tier: number): readonly TileLayout[] {
  const found = layouts[tier];
  if (found !== undefined) return found;
  throw new RangeError(
    (intermediateSize === null ? null : tierRefusal(intermediateSize, chunk, tier)) ??
      `tier ${tier}: this model has no feed-forward blocks`,
  );
}

export interface TierResult extends SentResult {
  tier: number;
}

/** A result of any tier that the model has. Errors: WireError for any deviation. */
export function decodeTierResult(bytes: Uint8Array, set: TierSet, options: Omit<WireOptions, "tier">): TierResult {
  const { tier } = resultFlags(bytes);
  if (tier >= set.layouts.length) {
    throw new WireError("tier", `the result is of tier ${tier}, this model has tiers 0 to ${set.layouts.length - 1}`);
  }
  return { tier, ...decodeResult(bytes, set.layouts[tier], { ...options, tier }) };
}

/**
 * What the coefficients of a round are divided by: `mean` - each by how many sent it; `sum` - by nothing. A round of one tier, and of
 * widths divisible by chunk * 2^tier, has the mean over those who sent a coefficient; other mixed rounds have the sum over all
 * (golden/matformer). A function of agreed data: of the tiers of the results that the round applies.
 */
export type RoundRule = "mean" | "sum";

export function roundRule({ intermediateSize, chunk }: TierSet, tiers: readonly number[]): RoundRule {
  const largest = Math.max(0, ...tiers);
  if (intermediateSize === null || tiers.every((tier) => tier === largest)) return "mean";
  return intermediateSize % (chunk * 2 ** largest) === 0 ? "mean" : "sum";
}

/**
 * A result laid out `from` one tier as what `to`, another tier's tiles, need of it: tiles that it has beyond those are left out, tiles
 * that it lacks have no position. Both by ascending name, with tiles of equal sides.
 */
export function placeResult(result: SentResult, from: readonly TileLayout[], to: readonly TileLayout[], topk: number): SentResult {
  if (from === to) return result;
  const entries = to.reduce((sum, layout) => sum + layout.tiles * tileTopk(layout, topk), 0);
  const placed = { index: new Uint32Array(entries), valueBits: new Uint32Array(entries) };
  let read = 0;
  let write = 0;
  to.forEach((layout, tensor) => {
    const source = from[tensor];
    const k = tileTopk(layout, topk);
    const count = layout.tiles * k;
    if (source.tiles === layout.tiles) copyEntries(result, read, placed, write, count);
    else {
      const rows = layout.tiles / layout.gridX;
      const sourceRows = source.tiles / source.gridX;
      // one run a row of tiles: what both have, then what `to` alone has
      for (let row = 0; row < rows; row++) {
        const at = write + row * layout.gridX * k;
        const held = row < sourceRows ? Math.min(layout.gridX, source.gridX) : 0;
        copyEntries(result, read + row * source.gridX * k, placed, at, held * k);
        placed.index.fill(ABSENT_POSITION, at + held * k, at + layout.gridX * k);
      }
    }
    read += source.tiles * k;
    write += count;
  });
  return placed;
}

function copyEntries(from: SentResult, read: number, to: SentResult, write: number, count: number): void {
  to.index.set(from.index.subarray(read, read + count), write);
  to.valueBits.set(from.valueBits.subarray(read, read + count), write);
}
