import { checkRange, type DataProvider } from "./dataProvider.ts";
import { openOnce } from "./openOnce.ts";
import { eitherSignal } from "./signals.ts";

/** A provider that is only known once something was read, such as a list of files; it is made at the first call. */
export function createLazyProvider(sequenceTokens: number, make: (signal: AbortSignal) => Promise<DataProvider>): DataProvider {
  const closing = new AbortController();
  let made: DataProvider | null = null;
  const open = openOnce(async (signal) => (made = await make(signal)));
  return {
    sequenceTokens,
    async sequenceCount(signal) {
      const either = eitherSignal(signal, closing.signal);
      return (await open(either)).sequenceCount(either);
    },
    async getSequences(start, end, signal) {
      checkRange(start, end);
      const either = eitherSignal(signal, closing.signal);
      return (await open(either)).getSequences(start, end, either);
    },
    async check(signal) {
      const either = eitherSignal(signal, closing.signal);
      await (await open(either)).check(either);
    },
    async close() {
      closing.abort();
      await made?.close();
    },
  };
}
