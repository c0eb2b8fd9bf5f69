import { checkRange, type DataProvider } from "./dataProvider.ts";
import { throwIfAborted } from "./dataError.ts";

const DUMMY_SEQUENCES = 2048;

/** 2048 sequences of token 0: to exercise a run where the data do not matter. */
export function createDummyProvider(maxSeqLen: number): DataProvider {
  return {
    sequenceTokens: maxSeqLen,
    async sequenceCount(signal) {
      throwIfAborted(signal);
      return DUMMY_SEQUENCES;
    },
    async getSequences(start, end, signal) {
      checkRange(start, end);
      throwIfAborted(signal);
      return Array.from({ length: Number(end - start) + 1 }, () => new Int32Array(maxSeqLen));
    },
  };
}
