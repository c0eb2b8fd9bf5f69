import { checkRange, type DataProvider } from "./dataProvider.ts";
import { throwIfAborted } from "./dataError.ts";

const DUMMY_SEQUENCES = 2048;

/** 2048 sequences of token 0: to exercise a run where the data do not matter. */
export function createDummyProvider(maxSeqLen: number): DataProvider {
  const closing = new AbortController();
  return {
    sequenceTokens: maxSeqLen,
    async sequenceCount(signal) {
      throwIfAborted(signal, closing.signal);
      return DUMMY_SEQUENCES;
    },
    async check(signal) {
      throwIfAborted(signal, closing.signal);
    },
    async close() {
      closing.abort();
    },
    async getSequences(start, end, signal) {
      checkRange(start, end);
      throwIfAborted(signal, closing.signal);
      return Array.from({ length: Number(end - start) + 1 }, () => new Int32Array(maxSeqLen));
    },
  };
}
