import { describe, expect, test } from "vitest";
import { DataError } from "./dataError.ts";
import type { DataProvider } from "./dataProvider.ts";
import type { Shuffle } from "./sequenceOrder.ts";

/** A data set that an implementation must serve: files by name, and how to read them. */
export interface ComplianceCase {
  files: Readonly<Record<string, Uint8Array>>;
  maxSeqLen: number;
  vocabSize: number;
  tokenBytes: 2 | 4;
  shuffle: Shuffle;
}

/** Makes a provider that serves these files in ascending name order. The caller of the suite cleans up after itself. */
export type ComplianceFactory = (data: ComplianceCase) => Promise<DataProvider>;

const SEED: Shuffle = { Seeded: Array.from({ length: 32 }, (_, i) => i) };

function u16(tokens: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(tokens).buffer);
}

function u32(tokens: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(tokens).buffer);
}

function npy(dtype: string, data: Uint8Array): Uint8Array {
  const dict = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${data.length}, ), }`.padEnd(117) + "\n";
  const header = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, dict.length & 255, dict.length >> 8];
  return Uint8Array.from([...header, ...new TextEncoder().encode(dict), ...data]);
}

const countFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** Tokens 0..99 over three files: 8 + 5 + 8 sequences of 4, the second file with a tail that no sequence uses. */
const threeFiles: Readonly<Record<string, Uint8Array>> = {
  "a.bin": u16(countFrom(0, 32)),
  "b.npy": npy("<u2", u16(countFrom(32, 23))),
  "c.ds": u16(countFrom(100, 32)),
};
const base: ComplianceCase = { files: threeFiles, maxSeqLen: 4, vocabSize: 256, tokenBytes: 2, shuffle: "DontShuffle" };
const COUNT = 21;

const firstTokens = (sequences: readonly Int32Array[]): number[] => sequences.map((sequence) => sequence[0]);
const expected = [...countFrom(0, 13).map((i) => i * 4), ...countFrom(0, 8).map((i) => 100 + i * 4)];

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof DataError) return error.code;
    throw error;
  }
  return "no error";
};

/** What every `DataProvider` over token files must do. */
export function dataProviderCompliance(name: string, make: ComplianceFactory): void {
  describe(`data provider: ${name}`, () => {
    test("cuts files into whole sequences, in order, across files", async () => {
      const provider = await make(base);
      expect(provider.sequenceTokens).toBe(4);
      expect(await provider.sequenceCount()).toBe(COUNT);
      const all = await provider.getSequences(0n, BigInt(COUNT - 1));
      expect(firstTokens(all)).toEqual(expected);
      for (const sequence of all) {
        expect(sequence).toBeInstanceOf(Int32Array);
        expect([...sequence]).toEqual(countFrom(sequence[0], 4));
      }
    });

    test("a part of the data is the same as in the whole", async () => {
      const provider = await make(base);
      expect(firstTokens(await provider.getSequences(6n, 15n))).toEqual(expected.slice(6, 16));
      expect(firstTokens(await provider.getSequences(20n, 20n))).toEqual([expected[20]]);
    });

    test("an unshuffled pass repeats past the end", async () => {
      const provider = await make(base);
      expect(firstTokens(await provider.getSequences(19n, 23n))).toEqual([...expected.slice(19), ...expected.slice(0, 3)]);
      const far = BigInt(COUNT) * 10n ** 15n;
      expect(firstTokens(await provider.getSequences(far, far + 1n))).toEqual(expected.slice(0, 2));
    });

    test("a shuffled pass visits everything once, the next pass in another order", async () => {
      const provider = await make({ ...base, shuffle: SEED });
      const sequences = firstTokens(await provider.getSequences(0n, BigInt(2 * COUNT - 1)));
      const [first, second] = [sequences.slice(0, COUNT), sequences.slice(COUNT)];
      const sorted = (values: number[]): number[] => values.toSorted((a, b) => a - b);
      expect(sorted(first)).toEqual(sorted(expected));
      expect(sorted(second)).toEqual(sorted(expected));
      expect(first).not.toEqual(expected);
      expect(second).not.toEqual(first);
      expect(firstTokens(await provider.getSequences(18n, 24n))).toEqual(sequences.slice(18, 25));
      expect(firstTokens(await (await make({ ...base, shuffle: SEED })).getSequences(0n, 41n))).toEqual(sequences);
    });

    test("reads u32 tokens, and text as bytes", async () => {
      const wide = await make({ ...base, files: { "a.bin": u32([70_000, 1, 2, 3]) }, vocabSize: 70_001, tokenBytes: 4 });
      expect([...(await wide.getSequences(0n, 0n))[0]]).toEqual([70_000, 1, 2, 3]);
      const text = await make({ ...base, files: { "a.txt": new TextEncoder().encode("Hé lo!") } });
      expect(await text.sequenceCount()).toBe(1);
      expect([...(await text.getSequences(0n, 0n))[0]]).toEqual([0x48, 0xc3, 0xa9, 0x20]);
    });

    test.each<[string, Partial<ComplianceCase>, string]>([
      ["a token outside the vocabulary", { vocabSize: 131 }, "bad-token"],
      ["a u32 token beyond i32", { files: { "a.bin": u32([2 ** 32 - 1, 0, 0, 0]) }, tokenBytes: 4 }, "bad-token"],
      ["not one whole sequence", { files: { "a.bin": u16([1, 2, 3]) } }, "empty"],
      ["an empty file", { files: { "a.bin": new Uint8Array(0) } }, "empty"],
      ["half a token", { files: { "a.bin": new Uint8Array(17) } }, "bad-file"],
      ["float .npy", { files: { "a.npy": npy("<f4", new Uint8Array(64)) } }, "bad-file"],
      ["big-endian .npy", { files: { "a.npy": npy(">u2", new Uint8Array(64)) } }, "bad-file"],
      ["a .npy without header", { files: { "a.npy": u16(countFrom(0, 32)) } }, "bad-file"],
      ["a .npy cut off in its header", { files: { "a.npy": npy("<u2", new Uint8Array(64)).slice(0, 40) } }, "bad-file"],
    ])("refuses %s", async (_name, change, code) => {
      const provider = await make({ ...base, ...change });
      expect(await codeOf(provider.getSequences(0n, BigInt(COUNT - 1)))).toBe(code);
    });

    test("recognises a NumPy header in a .bin", async () => {
      const provider = await make({ ...base, files: { "a.bin": npy("<u4", u32(countFrom(7, 8))) } });
      expect(firstTokens(await provider.getSequences(0n, 1n))).toEqual([7, 11]);
    });

    test("refuses a range that is none", async () => {
      const provider = await make(base);
      for (const [start, end] of [
        [1n, 0n],
        [-1n, 0n],
        [0n, 10n ** 12n],
      ] as const) {
        expect(await codeOf(provider.getSequences(start, end))).toBe("bad-request");
      }
    });

    test("an aborted call rejects and spoils nothing", async () => {
      const provider = await make(base);
      const aborted = AbortSignal.abort(new Error("shutting down"));
      expect(await codeOf(provider.getSequences(0n, 3n, aborted))).toBe("aborted");
      const controller = new AbortController();
      const both = [provider.getSequences(0n, 20n, controller.signal), provider.getSequences(0n, 20n)] as const;
      controller.abort();
      expect(await codeOf(both[0])).toBe("aborted");
      expect(firstTokens(await both[1])).toEqual(expected);
    });
  });
}
