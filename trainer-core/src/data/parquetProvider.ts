import { DataError } from "./dataError.ts";
import { checkRange, type DataProvider } from "./dataProvider.ts";
import { forEachConcurrently } from "./forEachConcurrently.ts";
import { findSpan } from "./findSpan.ts";
import { openOnce } from "./openOnce.ts";
import type { ParquetFile } from "./parquetFile.ts";
import type { ParquetFiles } from "./parquetFiles.ts";
import { eitherSignal } from "./signals.ts";

export interface ParquetProviderOptions {
  maxSeqLen: number;
  vocabSize: number;
  /** decoded row groups kept for the next calls, bytes */
  cacheBytes?: number;
}

/** Rows decoded together: a whole row group, or a piece of a large one. */
interface Block {
  file: number;
  from: number;
  to: number;
}

interface OpenFiles {
  files: ParquetFile[];
  blocks: Block[];
  /** firstSequence[b] = sequences before block b; one entry more than blocks */
  firstSequence: number[];
}

const MAX_CONCURRENT_READS = 4;
const MAX_BLOCK_BYTES = 16 * 2 ** 20;

/**
 * Sequences that were cut before, one a row of `.parquet` files, in stored order. A row group is read when one of its rows is asked
 * for, and the last few are kept; what does not fit the memory is read again.
 */
export function createParquetProvider(source: ParquetFiles, options: ParquetProviderOptions): DataProvider {
  const { maxSeqLen, cacheBytes = 64 * 2 ** 20 } = options;
  const closing = new AbortController();
  const open = openOnce((signal) => openFiles(source, options, signal));
  /** by block, least recently used first */
  const cache = new Map<number, Int32Array>();
  let cachedBytes = 0;

  const readBlock = async ({ files, blocks }: OpenFiles, index: number, signal: AbortSignal): Promise<Int32Array> => {
    const kept = cache.get(index);
    const { file, from, to } = blocks[index];
    const tokens = kept ?? (await files[file].read(from, to, signal));
    if (!cache.delete(index)) cachedBytes += tokens.byteLength;
    cache.set(index, tokens);
    for (const [oldest, { byteLength }] of cache) {
      if (cachedBytes <= cacheBytes || oldest === index) break;
      cache.delete(oldest);
      cachedBytes -= byteLength;
    }
    return tokens;
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
      const count = BigInt(opened.firstSequence.at(-1)!);
      /** places in the answer, by block */
      const wanted = new Map<number, { row: number; at: number }[]>();
      for (let index = start; index <= end; index++) {
        const position = Number(index % count);
        const block = findSpan(opened.firstSequence, position);
        const rows = wanted.get(block) ?? [];
        wanted.set(block, rows);
        rows.push({ row: position - opened.firstSequence[block], at: Number(index - start) });
      }
      const sequences: Int32Array[] = Array.from({ length: Number(end - start) + 1 });
      await forEachConcurrently([...wanted], MAX_CONCURRENT_READS, async ([block, rows]) => {
        const tokens = await readBlock(opened, block, either);
        for (const { row, at } of rows) sequences[at] = tokens.slice(row * maxSeqLen, (row + 1) * maxSeqLen);
      });
      return sequences;
    },

    async check(signal) {
      await provider.getSequences(0n, 0n, signal);
    },

    async close() {
      closing.abort();
      cache.clear();
      await source.close();
    },
  };
  return provider;
}

async function openFiles(source: ParquetFiles, options: ParquetProviderOptions, signal: AbortSignal): Promise<OpenFiles> {
  const names = await source.list(signal);
  const files: ParquetFile[] = Array.from({ length: names.length });
  await forEachConcurrently(names, MAX_CONCURRENT_READS, async (name, i) => {
    files[i] = await source.open(name, options, signal);
  });
  const blockRows = Math.max(1, Math.floor(MAX_BLOCK_BYTES / (options.maxSeqLen * Int32Array.BYTES_PER_ELEMENT)));
  const blocks: Block[] = [];
  const firstSequence = [0];
  files.forEach(({ groups }, file) => {
    for (const { firstRow, rows } of groups) {
      for (let from = firstRow; from < firstRow + rows; from += blockRows) {
        const to = Math.min(from + blockRows, firstRow + rows);
        blocks.push({ file, from, to });
        firstSequence.push(firstSequence.at(-1)! + to - from);
      }
    }
  });
  if (blocks.length === 0) throw new DataError("empty", `training data: ${names.length} Parquet files hold not one row`);
  return { files, blocks, firstSequence };
}
