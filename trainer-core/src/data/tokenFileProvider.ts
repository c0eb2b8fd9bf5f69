import { checkRange, type DataProvider } from "./dataProvider.ts";
import { DataError } from "./dataError.ts";
import { forEachConcurrently } from "./forEachConcurrently.ts";
import type { FileSource } from "./fileSource.ts";
import { findSpan } from "./findSpan.ts";
import { openOnce } from "./openOnce.ts";
import { sequenceOrder, type SequenceOrder, type Shuffle } from "./sequenceOrder.ts";
import { eitherSignal } from "./signals.ts";
import { decodeTokens, openTokenFile, type TokenFile } from "./tokenFile.ts";

export interface TokenFileProviderOptions {
  /** tokens in a sequence: the run's max_seq_len */
  maxSeqLen: number;
  /** tokens outside [0, vocabSize) are refused: a shader would read past the embedding */
  vocabSize: number;
  /** token width of files without a NumPy header */
  tokenBytes: 2 | 4;
  shuffle: Shuffle;
}

interface OpenFiles {
  files: TokenFile[];
  /** firstSequence[f] = sequences in the files before f; one entry more than files */
  firstSequence: number[];
  order: SequenceOrder;
}

/** One read: `count` sequences that lie one after another in a file. */
interface Run {
  file: number;
  sequenceInFile: number;
  count: number;
  /** place of the first of them in the answer */
  at: number;
}

/** Several small reads at once hide latency; more would only queue at the server. */
const MAX_CONCURRENT_READS = 8;

/**
 * Token files cut into sequences. A file holds floor(tokens / maxSeqLen) sequences, one after another without overlap; its tail
 * is not used, and no sequence crosses from one file into the next. Files are opened at the first call.
 */
export function createTokenFileProvider(source: FileSource, options: TokenFileProviderOptions): DataProvider {
  const { maxSeqLen, vocabSize } = options;
  const closing = new AbortController();
  const open = openOnce((signal) => openFiles(source, options, signal));

  const read = async (opened: OpenFiles, run: Run, out: Int32Array[], signal: AbortSignal | undefined): Promise<void> => {
    const file = opened.files[run.file];
    const sequenceBytes = maxSeqLen * file.tokenBytes;
    const offset = file.dataOffsetBytes + run.sequenceInFile * sequenceBytes;
    const bytes = await source.read(file.name, offset, run.count * sequenceBytes, signal);
    const tokens = decodeTokens(bytes, file.tokenBytes, vocabSize, () => `${file.name}, from byte ${offset}`);
    for (let i = 0; i < run.count; i++) out[run.at + i] = tokens.slice(i * maxSeqLen, (i + 1) * maxSeqLen);
  };

  const provider: DataProvider = {
    sequenceTokens: maxSeqLen,

    async sequenceCount(signal) {
      return (await open(eitherSignal(signal, closing.signal))).firstSequence.at(-1)!;
    },

    async getSequences(start, end, signal) {
      checkRange(start, end);
      const either = eitherSignal(signal, closing.signal);
      const opened = await open(either);
      const runs = contiguousRuns(opened, start, end);
      const sequences: Int32Array[] = Array.from({ length: Number(end - start) + 1 });
      await forEachConcurrently(runs, MAX_CONCURRENT_READS, (run) => read(opened, run, sequences, either));
      return sequences;
    },

    async check(signal) {
      await provider.getSequences(0n, 0n, signal);
    },

    async close() {
      closing.abort();
    },
  };
  return provider;
}

async function openFiles(source: FileSource, options: TokenFileProviderOptions, signal: AbortSignal | undefined): Promise<OpenFiles> {
  const names = await source.list(signal);
  const files: TokenFile[] = Array.from({ length: names.length });
  await forEachConcurrently(names, MAX_CONCURRENT_READS, async (name, i) => {
    files[i] = await openTokenFile(source, name, options.tokenBytes, signal);
  });
  const firstSequence = [0];
  for (const { tokenCount } of files) {
    firstSequence.push(firstSequence.at(-1)! + Math.floor(tokenCount / options.maxSeqLen));
  }
  const sequenceCount = firstSequence.at(-1)!;
  if (sequenceCount === 0) {
    throw new DataError(
      "empty",
      `training data: ${names.length} files hold not one sequence of ${options.maxSeqLen} tokens; add data or lower max_seq_len`,
    );
  }
  return { files, firstSequence, order: sequenceOrder(sequenceCount, options.shuffle) };
}

/** Neighbours in the request that are neighbours in a file become one read. */
function contiguousRuns({ firstSequence, order }: OpenFiles, start: bigint, end: bigint): Run[] {
  const runs: Run[] = [];
  for (let index = start; index <= end; index++) {
    const position = order.position(index);
    const file = findSpan(firstSequence, position);
    const sequenceInFile = position - firstSequence[file];
    const last = runs.at(-1);
    if (last !== undefined && last.file === file && last.sequenceInFile + last.count === sequenceInFile) last.count++;
    else runs.push({ file, sequenceInFile, count: 1, at: Number(index - start) });
  }
  return runs;
}
