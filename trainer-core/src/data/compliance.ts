import { afterAll, describe, expect, test } from "vitest";
import { DataError } from "./dataError.ts";
import type { DataProvider } from "./dataProvider.ts";

/** Data that an implementation must serve: 21 sequences of 4 tokens, in this order. */
export interface ComplianceData {
  sequences: readonly (readonly number[])[];
  maxSeqLen: number;
  vocabSize: number;
}
export type ComplianceFactory = (data: ComplianceData) => Promise<DataProvider>;

export const countFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** First tokens 0, 4, 8 ... 48, 100, 104 ... 128; each sequence counts up from its first. */
const FIRST = [...countFrom(0, 13).map((i) => i * 4), ...countFrom(0, 8).map((i) => 100 + i * 4)];
export const COMPLIANCE_DATA: ComplianceData = { sequences: FIRST.map((first) => countFrom(first, 4)), maxSeqLen: 4, vocabSize: 256 };
const COUNT = FIRST.length;

export const firstTokens = (sequences: readonly Int32Array[]): number[] => sequences.map((sequence) => sequence[0]);

export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof DataError) return error.code;
    throw error;
  }
  return "no error";
};

/** What every `DataProvider` must do with data in stored order. */
export function dataProviderCompliance(name: string, make: ComplianceFactory): void {
  describe(`data provider: ${name}`, () => {
    const made: DataProvider[] = [];
    afterAll(() => Promise.all(made.map((provider) => provider.close())));
    const open = async (data: ComplianceData = COMPLIANCE_DATA): Promise<DataProvider> => {
      const provider = await make(data);
      made.push(provider);
      return provider;
    };

    test("gives whole sequences, in order", async () => {
      const provider = await open();
      await provider.check();
      expect(provider.sequenceTokens).toBe(4);
      expect(await provider.sequenceCount()).toBe(COUNT);
      const all = await provider.getSequences(0n, BigInt(COUNT - 1));
      expect(firstTokens(all)).toEqual(FIRST);
      for (const sequence of all) {
        expect(sequence).toBeInstanceOf(Int32Array);
        expect([...sequence]).toEqual(countFrom(sequence[0], 4));
      }
    });

    test("batches that touch neither overlap nor leave a gap; a range includes both its ends", async () => {
      const provider = await open();
      expect(firstTokens(await provider.getSequences(20n, 20n))).toEqual([FIRST[20]]);
      const parts = await Promise.all([provider.getSequences(0n, 6n), provider.getSequences(7n, 7n), provider.getSequences(8n, 20n)]);
      expect(parts.map((part) => part.length)).toEqual([7, 1, 13]);
      expect(firstTokens(parts.flat())).toEqual(FIRST);
    });

    test("goes on into the next pass past the end, however far", async () => {
      const provider = await open();
      expect(firstTokens(await provider.getSequences(19n, 23n))).toEqual([...FIRST.slice(19), ...FIRST.slice(0, 3)]);
      const far = BigInt(COUNT) * 10n ** 12n;
      expect(firstTokens(await provider.getSequences(far, far + 1n))).toEqual(FIRST.slice(0, 2));
      const twoPasses = await provider.getSequences(0n, BigInt(2 * COUNT - 1));
      expect(firstTokens(twoPasses)).toEqual([...FIRST, ...FIRST]);
    });

    test("calls that overlap do not disturb each other, and what one caller changes is its own", async () => {
      const provider = await open();
      const starts = countFrom(0, 16);
      const answers = await Promise.all(starts.map((start) => provider.getSequences(BigInt(start), BigInt(start + 4))));
      answers.forEach((answer, start) => expect(firstTokens(answer)).toEqual(FIRST.slice(start, start + 5)));
      answers[0].forEach((sequence) => sequence.fill(-1));
      expect(firstTokens(await provider.getSequences(0n, 4n))).toEqual(FIRST.slice(0, 5));
    });

    test("refuses a range that is none", async () => {
      const provider = await open();
      for (const [start, end] of [
        [1n, 0n],
        [-1n, 0n],
        [0n, 10n ** 12n],
      ] as const) {
        const work = provider.getSequences(start, end); // a promise, whatever is wrong
        expect(await codeOf(work)).toBe("bad-request");
      }
    });

    test("refuses a token outside the vocabulary", async () => {
      const provider = await open({ ...COMPLIANCE_DATA, vocabSize: 131 });
      expect(await codeOf(provider.getSequences(0n, BigInt(COUNT - 1)))).toBe("bad-token");
      expect(firstTokens(await provider.getSequences(0n, 4n))).toEqual(FIRST.slice(0, 5));
    });

    test("an aborted call rejects and spoils nothing", async () => {
      const provider = await open();
      const aborted = AbortSignal.abort(new Error("shutting down"));
      expect(await codeOf(provider.getSequences(0n, 3n, aborted))).toBe("aborted");
      expect(await codeOf(provider.sequenceCount(aborted))).toBe("aborted");
      const controller = new AbortController();
      const both = [provider.getSequences(0n, 20n, controller.signal), provider.getSequences(0n, 20n)] as const;
      controller.abort();
      expect(await codeOf(both[0])).toBe("aborted");
      expect(firstTokens(await both[1])).toEqual(FIRST);
    });

    test("closing ends what is under way and every later call; twice does no harm", async () => {
      const provider = await open();
      const underWay = provider.getSequences(0n, 20n);
      const closed = provider.close();
      expect(await codeOf(underWay)).toBe("aborted");
      await closed;
      await provider.close();
      expect(await codeOf(provider.getSequences(0n, 0n))).toBe("aborted");
      expect(await codeOf(provider.sequenceCount())).toBe("aborted");
      expect(await codeOf(provider.check())).toBe("aborted");
    });
  });
}
