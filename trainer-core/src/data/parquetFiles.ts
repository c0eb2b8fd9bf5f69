import type { FileSource } from "./fileSource.ts";
import { openParquetFile, type ParquetFile } from "./parquetFile.ts";

/** The Parquet files of a data set. Implementations reject with a `DataError`. */
export interface ParquetFiles {
  /** in the order in which their rows are numbered */
  list(signal: AbortSignal): Promise<string[]>;
  open(name: string, options: { maxSeqLen: number; vocabSize: number }, signal: AbortSignal): Promise<ParquetFile>;
  close(): Promise<void>;
}

/** Decoded here and now: where there is no other thread. A damaged file can keep the decoder busy for ever. */
export function parquetFilesOf(source: FileSource): ParquetFiles {
  return {
    list: (signal) => source.list(signal),
    open: (name, options, signal) => openParquetFile(source, name, options, signal),
    close: async () => undefined,
  };
}
