import { describe, expect, test } from "vitest";
import { codeOf, COMPLIANCE_DATA, countFrom, dataProviderCompliance, firstTokens } from "./compliance.ts";
import type { DataProvider } from "./dataProvider.ts";
import type { Shuffle } from "./sequenceOrder.ts";

/** A data set that an implementation must serve: files by name, and how to read them. */
export interface FileCase {
  files: Readonly<Record<string, Uint8Array>>;
  maxSeqLen: number;
  vocabSize: number;
  tokenBytes: 2 | 4;
  shuffle: Shuffle;
}

/** Makes a provider that serves these files in ascending name order. The caller of the suite cleans up after itself. */
export type FileFactory = (data: FileCase) => Promise<DataProvider>;

const SEED: Shuffle = { Seeded: Array.from({ length: 32 }, (_, i) => i) };

export function u16(tokens: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(tokens).buffer);
}

export function u32(tokens: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(tokens).buffer);
}

function npy(dtype: string, data: Uint8Array, count: number): Uint8Array {
  const dict = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${count},), }`.padEnd(117) + "\n";
  const header = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, dict.length & 255, dict.length >> 8];
  return Uint8Array.from([...header, ...new TextEncoder().encode(dict), ...data]);
}

/** The suite's sequences over three files: 8 + 5 + 8 sequences of 4, the second file with a tail that no sequence uses. */
export const THREE_FILES: Readonly<Record<string, Uint8Array>> = {
  "a.bin": u16(countFrom(0, 32)),
  "b.npy": npy("<u2", u16(countFrom(32, 23)), 23),
  "c.ds": u16(countFrom(100, 32)),
};
const base: FileCase = { files: THREE_FILES, maxSeqLen: 4, vocabSize: 256, tokenBytes: 2, shuffle: "DontShuffle" };
const COUNT = COMPLIANCE_DATA.sequences.length;
const expected = COMPLIANCE_DATA.sequences.map((sequence) => sequence[0]);

/** What every `DataProvider` over token files must do, the common suite included. */
export function tokenFileCompliance(name: string, make: FileFactory): void {
  dataProviderCompliance(name, ({ vocabSize }) => make({ ...base, vocabSize }));

  describe(`token files: ${name}`, () => {
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

    test.each<[string, Partial<FileCase>, string]>([
      ["a u32 token beyond i32", { files: { "a.bin": u32([2 ** 32 - 1, 0, 0, 0]) }, tokenBytes: 4 }, "bad-token"],
      ["not one whole sequence", { files: { "a.bin": u16([1, 2, 3]) } }, "empty"],
      ["an empty file", { files: { "a.bin": new Uint8Array(0) } }, "empty"],
      ["half a token", { files: { "a.bin": new Uint8Array(17) } }, "bad-file"],
      ["half a u32 token", { files: { "a.bin": new Uint8Array(18) }, tokenBytes: 4 }, "bad-file"],
      ["float .npy", { files: { "a.npy": npy("<f4", new Uint8Array(64), 16) } }, "bad-file"],
      ["big-endian .npy", { files: { "a.npy": npy(">u2", new Uint8Array(64), 32) } }, "bad-file"],
      ["a .npy without header", { files: { "a.npy": u16(countFrom(0, 32)) } }, "bad-file"],
      ["a .npy cut off in its header", { files: { "a.npy": npy("<u2", new Uint8Array(64), 32).slice(0, 40) } }, "bad-file"],
      ["a .npy cut off in its tokens", { files: { "a.npy": npy("<u2", new Uint8Array(64), 32).slice(0, -2) } }, "bad-file"],
      ["a .npy with more than its header says", { files: { "a.npy": npy("<u2", new Uint8Array(64), 31) } }, "bad-file"],
    ])("refuses %s", async (_name, change, code) => {
      const provider = await make({ ...base, ...change });
      expect(await codeOf(provider.getSequences(0n, BigInt(COUNT - 1)))).toBe(code);
      expect(await codeOf(provider.check())).toBe(code);
    });

    test("recognises a NumPy header in a .bin", async () => {
      const provider = await make({ ...base, files: { "a.bin": npy("<u4", u32(countFrom(7, 8)), 8) } });
      expect(firstTokens(await provider.getSequences(0n, 1n))).toEqual([7, 11]);
    });
  });
}
