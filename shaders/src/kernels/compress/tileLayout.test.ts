import { describe, expect, it } from "vitest";
import { chunkSide, TILE_WORDS, tileLayout, tileStart, tileTable, tileTopk } from "./tileLayout.ts";

describe("tile layout", () => {
  it("takes the largest divisor that fits", () => {
    const sides = { 1: 1, 12: 12, 64: 64, 65: 13, 67: 1, 72: 36, 86: 43, 96: 48, 100: 50, 127: 1, 176: 44, 192: 64, 11008: 64, 128256: 64 };
    for (const [length, side] of Object.entries(sides)) expect([length, chunkSide(Number(length), 64)]).toEqual([length, side]);
    expect(chunkSide(12, 5)).toBe(4);
    expect(chunkSide(301, 32)).toBe(7);
  });

  it("cuts a matrix along both axes and a vector into rows of one", () => {
    expect(tileLayout([176, 128], 64)).toMatchObject({ height: 44, width: 64, gridX: 2, tiles: 8, total: 2816, columns: 128 });
    expect(tileLayout([96], 64)).toMatchObject({ height: 1, width: 48, tiles: 2, total: 48 });
    expect(tileStart(tileLayout([176, 128], 64), 3)).toBe(44 * 128 + 64);
  });

  it("never sends more coefficients than a tile has, nor none", () => {
    expect(tileTopk(tileLayout([3], 64), 8)).toBe(3);
    expect(tileTopk(tileLayout([64, 64], 64), 8)).toBe(8);
    expect(tileTopk(tileLayout([64, 64], 64), 0)).toBe(1);
  });

  it("refuses what the kernels cannot do, with the numbers", () => {
    expect(() => tileLayout([4, 4], 65)).toThrow(/1 to 64, got 65/);
    expect(() => tileLayout([2, 3, 4], 64)).toThrow(/\[2, 3, 4\]/);
    expect(() => tileLayout([0], 64)).toThrow(RangeError);
  });

  it("numbers sent and dense entries through the pool", () => {
    const a = { layout: tileLayout([4, 8], 4), topk: 3, tensor: 0, firstElement: 0 };
    const b = { layout: tileLayout([5], 64), topk: 2, tensor: 1, firstElement: 64 };
    const table = tileTable([a, b]);
    const records = Array.from({ length: 3 }, (_, t) => [...table.subarray(t * TILE_WORDS, (t + 1) * TILE_WORDS)]);
    expect(records).toEqual([
      [0, 8, 4, 4, 3, 0, 0, 0, 0],
      [4, 8, 4, 4, 3, 3, 16, 0, 1],
      [64, 5, 1, 5, 2, 6, 32, 1, 0],
    ]);
  });
});
