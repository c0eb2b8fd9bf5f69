import { describe, expect, test } from "vitest";
import { BloomFilter, bloomKeys, bloomPositions } from "./bloom.ts";

const item = Uint8Array.from({ length: 32 }, (_, i) => i);

describe("Bloom filter", () => {
  test("positions are those of the system we re-create (existing-system.md 1.8)", () => {
    expect(bloomPositions(item, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n], 1024)).toEqual([353, 322, 131, 68, 933, 902, 967, 72]);
  });

  test("holds 256 items with few false positives", () => {
    const seed = new Uint8Array(32).fill(3);
    const filter = new BloomFilter(bloomKeys(seed, 5));
    const numbered = (i: number): Uint8Array => Uint8Array.of(i & 255, i >> 8, i >> 16, 1);
    for (let i = 0; i < 256; i++) filter.add(numbered(i));
    for (let i = 0; i < 256; i++) expect(filter.has(numbered(i))).toBe(true);
    let wrong = 0;
    for (let i = 256; i < 20_256; i++) if (filter.has(numbered(i))) wrong++;
    // 20,000 tries at (1 - e^(-8*256/4096))^8 = 0.06 %: 12 expected
    expect(wrong).toBeLessThan(40);
    expect(wrong).toBeGreaterThan(0);
  });

  test("each witness and each round has its own keys", () => {
    const keys = [0, 1].flatMap((seed) => [0, 1, 256].flatMap((witness) => bloomKeys(new Uint8Array(32).fill(seed), witness)));
    expect(new Set(keys).size).toBe(48);
  });
});
