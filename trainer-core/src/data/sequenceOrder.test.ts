import { describe, expect, test } from "vitest";
import { sequenceOrder } from "./sequenceOrder.ts";

const seed = { Seeded: new Uint8Array(32).fill(7) };
const pass = (count: number, order: ReturnType<typeof sequenceOrder>, number = 0): number[] =>
  Array.from({ length: count }, (_, i) => order.position(BigInt(number * count + i)));

describe("sequence order", () => {
  test("is a permutation for every count, also across powers of four", () => {
    for (const count of [...Array(70).keys()].map((i) => i + 1).concat([255, 256, 257, 1000, 1023, 1024, 1025])) {
      const seen = new Set(pass(count, sequenceOrder(count, seed)));
      expect(seen.size, `count ${count}`).toBe(count);
      expect(Math.max(...seen)).toBe(count - 1);
    }
  });

  test("never changes: clients of different versions must agree on it", () => {
    expect(pass(16, sequenceOrder(16, seed))).toEqual([15, 7, 9, 10, 3, 13, 1, 11, 8, 14, 2, 12, 6, 4, 5, 0]);
    expect(pass(10, sequenceOrder(1_000_000_007, seed), 0)).toEqual([
      918932187, 153135874, 568451294, 257965277, 8525958, 93995558, 446938511, 564547071, 427410319, 610005744,
    ]);
    expect(pass(16, sequenceOrder(16, seed), 3)).toEqual([9, 15, 3, 2, 11, 7, 4, 13, 8, 14, 1, 6, 10, 0, 12, 5]);
  });

  test("positions do not follow the index: displacement and neighbour distance are those of a random permutation", () => {
    const count = 20_000;
    for (let number = 0; number < 3; number++) {
      const positions = pass(count, sequenceOrder(count, seed), number);
      let displacement = 0;
      let neighbour = 0;
      let fixed = 0;
      for (let i = 0; i < count; i++) {
        displacement += Math.abs(positions[i] - i) / count;
        if (positions[i] === i) fixed++;
        if (i > 0) neighbour += Math.abs(positions[i] - positions[i - 1]) / count;
      }
      // Both distances have the mean count / 3 and a standard error of count * 0.236 / sqrt(count).
      expect(Math.abs(displacement / count - 1 / 3)).toBeLessThan(0.008);
      expect(Math.abs(neighbour / count - 1 / 3)).toBeLessThan(0.008);
      expect(fixed).toBeLessThan(10); // Poisson with mean 1
    }
  });

  test("every pass and every seed has its own order; going back gives the same", () => {
    const order = sequenceOrder(100, seed);
    const first = pass(100, order, 0);
    const second = pass(100, order, 1);
    expect(second).not.toEqual(first);
    expect(pass(100, order, 0)).toEqual(first);
    expect(pass(100, sequenceOrder(100, { Seeded: new Uint8Array(32) }))).not.toEqual(first);
  });

  test("stays in range for more sequences than an array could hold", () => {
    const count = 2 ** 52 + 1;
    const order = sequenceOrder(count, seed);
    for (let i = 0n; i < 1000n; i++) {
      const position = order.position(i);
      expect(Number.isSafeInteger(position) && position >= 0 && position < count).toBe(true);
    }
  });
});
