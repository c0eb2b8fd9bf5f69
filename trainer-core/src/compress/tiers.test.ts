import { describe, expect, test } from "vitest";
import { ABSENT_POSITION } from "@starling/shaders/reference/compress/integerDecode";
import { largestTier, prefixAxis, tierRefusal, tierWidth } from "../model/matformer.ts";
import { decodeTierResult, layoutsOfTier, placeResult, roundRule, tierSet } from "./tiers.ts";
import { encodeResult, resultBytes, sentCount, type SentResult } from "./wire.ts";

const block = "model.layers.0.mlp";
const WHOLE = [
  { name: `${block}.down_proj.weight`, shape: [4, 16] },
  { name: `${block}.gate_proj.weight`, shape: [16, 4] },
  { name: "model.norm.weight", shape: [4] },
];
const CHUNK = 4;
const OPTIONS = { oneBit: false, topk: 2 };
const tiers = tierSet(WHOLE, CHUNK);

/** A result whose values count up, so that it is seen what went where. */
function resultOf(tier: number): SentResult {
  const count = sentCount(tiers.layouts[tier], OPTIONS.topk);
  return {
    index: Uint32Array.from({ length: count }, (_, n) => n % 2),
    valueBits: new Uint32Array(Float32Array.from({ length: count }, (_, n) => n + 1).buffer),
  };
}
const valuesOf = ({ valueBits }: SentResult) => [...new Float32Array(valueBits.buffer)];

describe("tiers of a model", () => {
  test.each([
    [768, 64, 2],
    [176, 64, 2],
    [112, 64, 1],
    [64, 32, 1],
    [64, 16, 2],
    [192, 64, 0],
    [11_008, 64, 2],
    [7, 64, 0],
  ])("of %i neurons with tiles of at most %i go up to %i", (width, chunk, tier) => {
    expect(largestTier(width, chunk)).toBe(tier);
    expect(tierRefusal(width, chunk, tier)).toBe(null);
    expect(tierRefusal(width, chunk, tier + 1)).toMatch(new RegExp(`tier ${tier + 1}: this model has intermediate_size = ${width}`));
  });

  test("are refused with what does not fit: tiles, or halves", () => {
    expect(tierRefusal(112, 64, 2)).toMatch(/tiles of 56, those of tier 2 \(28 neurons\) would be in tiles of 28/);
    expect(tierRefusal(7, 64, 1)).toMatch(/no whole number of neurons/);
    expect(() => tierWidth(12, 3)).toThrow(/divisible by 2\^3, the model has 12/);
    expect(() => layoutsOfTier(tiers, 3)).toThrow(/tier 3.*Its largest tier is 2/);
    expect(() => layoutsOfTier(tierSet([{ name: "w", shape: [8] }], 4), 1)).toThrow(/no feed-forward blocks/);
  });

  test("shorten the MLP's tensors and nothing else", () => {
    expect(prefixAxis("model.layers.11.mlp.up_proj.weight")).toBe("rows");
    expect(prefixAxis("model.layers.11.mlp.down_proj.weight")).toBe("columns");
    expect(prefixAxis("model.layers.11.self_attn.q_proj.weight")).toBe(null);
    expect(prefixAxis("lm_head.weight")).toBe(null);
    expect(tiers.layouts.map((layouts) => layouts.map(({ shape }) => shape))).toEqual([
      [[4, 16], [16, 4], [4]],
      [[4, 8], [8, 4], [4]],
      [[4, 4], [4, 4], [4]],
    ]);
  });
});

describe("a result of a tier", () => {
  test.each([0, 1, 2])("%i names it in its flags, has its length, and comes back", (tier) => {
    const bytes = encodeResult(resultOf(tier), tiers.layouts[tier], { ...OPTIONS, tier });
    expect(bytes[1]).toBe(tier << 1);
    expect(bytes.length).toBe(resultBytes(tiers.layouts[tier], OPTIONS));
    expect(decodeTierResult(bytes, tiers, OPTIONS)).toEqual({ tier, ...resultOf(tier) });
  });

  test("that says it is of another tier, or of one that the model has not, is refused", () => {
    const bytes = encodeResult(resultOf(1), tiers.layouts[1], { ...OPTIONS, tier: 1 });
    const saying = (flags: number) => Uint8Array.from(bytes, (byte, i) => (i === 1 ? flags : byte));
    const code = (payload: Uint8Array) => {
      try {
        decodeTierResult(payload, tiers, OPTIONS);
        return "accepted";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(saying(0))).toBe("length");
    expect(code(saying(2 << 1))).toBe("length");
    expect(code(saying(3 << 1))).toBe("tier");
    expect(code(saying(127 << 1))).toBe("tier");
    expect(code(saying((1 << 1) | 1))).toBe("mode");
    expect(code(bytes.subarray(0, 3))).toBe("length");
  });

  test("lies on the whole model's first tiles; those it lacks have no position", () => {
    const narrow = resultOf(1);
    const [whole, half] = tiers.layouts;
    const placed = placeResult(narrow, half, whole, 2);
    // down: one row of four tiles, the first two sent; gate: four tiles down; the norm whole
    expect(valuesOf(placed)).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0, 9, 10]);
    const A = ABSENT_POSITION;
    expect([...placed.index]).toEqual([0, 1, 0, 1, A, A, A, A, 0, 1, 0, 1, A, A, A, A, 0, 1]);
    // and cut to what a narrower client holds
    expect(valuesOf(placeResult(resultOf(0), whole, tiers.layouts[2], 2))).toEqual([1, 2, 9, 10, 17, 18]);
    expect(placeResult(narrow, half, half, 2)).toBe(narrow);
  });
});

test("a round of several tiers has the sum where the widths are no multiples of the tile side", () => {
  expect(roundRule(tiers, [0, 1, 2])).toBe("mean");
  const odd = tierSet(
    WHOLE.map(({ name, shape }) => ({ name, shape: shape.map((side) => (side === 16 ? 12 : side)) })),
    4,
  );
  expect(odd.layouts).toHaveLength(1);
  const uneven = { ...tiers, intermediateSize: 12 };
  expect(roundRule(uneven, [0, 1])).toBe("sum");
  expect(roundRule(uneven, [1, 1, 1])).toBe("mean");
  expect(roundRule(uneven, [])).toBe("mean");
});
