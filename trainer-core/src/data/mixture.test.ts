import { describe, expect, test } from "vitest";
import { tokenFileCompliance } from "./tokenFileCompliance.ts";
import { countFrom, dataProviderCompliance, firstTokens } from "./compliance.ts";
import type { DataProvider } from "./dataProvider.ts";
import { createMixtureProvider } from "./mixtureProvider.ts";
import { mixtureSchedule } from "./mixtureSchedule.ts";
import { memoryFiles } from "./testFiles.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";
import { THREE_FILES, u16 } from "./tokenFileCompliance.ts";

tokenFileCompliance("a mixture of one source", async (data) =>
  createMixtureProvider([{ provider: createTokenFileProvider(memoryFiles(data.files), data), weight: 2 }], {
    maxSeqLen: data.maxSeqLen,
    shuffle: "DontShuffle",
  }),
);

/** The suite's sequences dealt to three sources in turn, so that equal weights give them back in order. */
dataProviderCompliance("a mixture of three sources", async ({ sequences, maxSeqLen, vocabSize }) => {
  const source = (number: number): DataProvider => {
    const own = sequences.filter((_, i) => i % 3 === number);
    const files = memoryFiles({ "a.bin": u16(own.flat()) });
    return createTokenFileProvider(files, { maxSeqLen, vocabSize, tokenBytes: 2, shuffle: "DontShuffle" });
  };
  return createMixtureProvider(
    [0, 1, 2].map((number) => ({ provider: source(number), weight: 1 })),
    { maxSeqLen, shuffle: "DontShuffle" },
  );
});

describe("a mixture's schedule", () => {
  /** the rule as it is written, one draw after another */
  const greedy = (weights: readonly number[], count: number): { source: number; sequence: bigint }[] => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const drawn = weights.map(() => 0);
    return Array.from({ length: count }, (_, i) => {
      const behind = weights.map((weight, source) => weight * (i + 1) - total * drawn[source]);
      const source = behind.indexOf(Math.max(...behind));
      return { source, sequence: BigInt(drawn[source]++) };
    });
  };

  test.each([[[1]], [[3, 1]], [[5, 1, 1]], [[1, 1, 1, 1]], [[7, 5, 3, 2, 1]], [[100, 1]], [[4, 2]]])(
    "is the greedy rule: %j",
    (weights) => {
      const expected = greedy(weights, 500);
      const schedule = mixtureSchedule(weights);
      expect(expected.map((_, i) => schedule.draw(BigInt(i)))).toEqual(expected);
    },
  );

  test("holds every share at every point, for weights that are not whole, and far out", () => {
    const weights = [0.5, 0.3, 0.1999, 1e-4];
    const schedule = mixtureSchedule(weights);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const drawn = weights.map(() => 0);
    for (let i = 0; i < 30_000; i++) {
      const { source, sequence } = schedule.draw(BigInt(i));
      expect(sequence).toBe(BigInt(drawn[source]++));
      weights.forEach((weight, s) => expect(Math.abs((weight / total) * (i + 1) - drawn[s])).toBeLessThan(2));
    }
    const far = 10n ** 15n;
    const ahead = schedule.draw(far);
    expect(Math.abs(Number(ahead.sequence) / 1e15 - weights[ahead.source] / total)).toBeLessThan(1e-5);
  });

  test("a weight beside one a million times larger is rounded up, not to nothing; impossible ones are refused", () => {
    const { draw } = mixtureSchedule([1e300, 1]);
    const rare = Array.from({ length: 2 ** 20 }, (_, i) => draw(BigInt(i)).source).filter((source) => source === 1);
    expect(rare.length).toBe(1);
    for (const weights of [[], [0], [-1, 2], [Number.NaN], [Infinity]]) expect(() => mixtureSchedule(weights)).toThrow(RangeError);
  });
});

describe("a mixture", () => {
  const source = (first: number, count: number, read: bigint[][] = []): DataProvider => {
    const files = memoryFiles({ "a.bin": u16(countFrom(first, count).flatMap((token) => [token, token])) });
    const inner = createTokenFileProvider(files, { maxSeqLen: 2, vocabSize: 1000, tokenBytes: 2, shuffle: "DontShuffle" });
    return {
      ...inner,
      getSequences(start, end, signal) {
        read.push([start, end]);
        return inner.getSequences(start, end, signal);
      },
    };
  };

  test("a source that is drawn more often than it is long repeats, the others go on", async () => {
    const mixture = createMixtureProvider(
      [
        { provider: source(0, 2), weight: 1 },
        { provider: source(100, 6), weight: 1 },
      ],
      { maxSeqLen: 2, shuffle: "DontShuffle" },
    );
    expect(firstTokens(await mixture.getSequences(0n, 7n))).toEqual([0, 100, 1, 101, 0, 102, 1, 103]);
    expect(firstTokens(await mixture.getSequences(8n, 15n))).toEqual([0, 104, 1, 105, 0, 100, 1, 101]);
  });

  test("a batch is one read of each source", async () => {
    const reads: bigint[][][] = [[], []];
    const mixture = createMixtureProvider(
      [
        { provider: source(0, 100, reads[0]), weight: 2 },
        { provider: source(100, 100, reads[1]), weight: 1 },
      ],
      { maxSeqLen: 2, shuffle: "DontShuffle" },
    );
    await mixture.getSequences(30n, 59n);
    expect(reads).toEqual([[[20n, 39n]], [[10n, 19n]]]);
  });

  test("without weights every sequence comes once a pass", async () => {
    const mixture = createMixtureProvider(
      [
        { provider: source(0, 3), weight: null },
        { provider: source(100, 9), weight: null },
      ],
      { maxSeqLen: 2, shuffle: { Seeded: new Uint8Array(32) } },
    );
    const pass = firstTokens(await mixture.getSequences(12n, 23n));
    expect(pass.toSorted((a, b) => a - b)).toEqual([0, 1, 2, ...countFrom(100, 9)]);
  });

  test("what one source lacks is the mixture's error", async () => {
    const broken = createTokenFileProvider(memoryFiles({ ...THREE_FILES, "b.npy": new Uint8Array(9) }), {
      maxSeqLen: 2,
      vocabSize: 1000,
      tokenBytes: 2,
      shuffle: "DontShuffle",
    });
    const mixture = createMixtureProvider(
      [broken, source(0, 9)].map((provider) => ({ provider, weight: 1 })),
      {
        maxSeqLen: 2,
        shuffle: "DontShuffle",
      },
    );
    await expect(mixture.check()).rejects.toMatchObject({ code: "bad-file", message: expect.stringContaining("b.npy") });
  });
});
