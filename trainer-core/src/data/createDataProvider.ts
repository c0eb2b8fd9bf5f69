import type { DataLocation, HttpData } from "@starling/config";
import { DataError } from "./dataError.ts";
import type { DataProvider } from "./dataProvider.ts";
import { createDummyProvider } from "./dummyProvider.ts";
import type { FileSource } from "./fileSource.ts";
import { httpFiles, numberedUrls, type HttpFilesOptions } from "./httpFiles.ts";
import type { Shuffle } from "./sequenceOrder.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";

export interface DataProviderOptions {
  /** tokens in a sequence: the run's max_seq_len */
  maxSeqLen: number;
  /** the model's; a token outside it is an error */
  vocabSize: number;
  /** how the host opens a local path; a browser leaves it out */
  localFiles?: (path: string) => FileSource;
  /** `Local` names no order in the run config. Every client of a run must use the same; default: seeded with 32 zero bytes. */
  localShuffle?: Shuffle;
  http?: HttpFilesOptions;
}

/**
 * The provider that a run's `data_location` asks for. Opens nothing yet.
 *
 * @throws DataError "unsupported" for a kind this host or this version cannot read
 */
export function createDataProvider(location: DataLocation, options: DataProviderOptions): DataProvider {
  const { maxSeqLen, vocabSize } = options;
  if (location === "Dummy") return createDummyProvider(maxSeqLen);
  if ("Local" in location) {
    if (options.localFiles === undefined) {
      throw new DataError("unsupported", `data_location Local ("${location.Local}") needs a file system; a browser tab has none: use Http`);
    }
    return localDataProvider(options.localFiles(location.Local), options);
  }
  if ("Http" in location) {
    return createTokenFileProvider(httpFiles(urlsOf(location.Http.location), options.http), {
      maxSeqLen,
      vocabSize,
      tokenBytes: location.Http.token_size_in_bytes === "FourBytes" ? 4 : 2,
      shuffle: location.Http.shuffle,
    });
  }
  throw unsupported(Object.keys(location)[0] ?? "");
}

/** Files as `data_location = Local` means them; a tab, which has no files, reads the same ones over HTTP. */
export function localDataProvider(
  source: FileSource,
  { maxSeqLen, vocabSize, localShuffle }: Pick<DataProviderOptions, "maxSeqLen" | "vocabSize" | "localShuffle">,
): DataProvider {
  return createTokenFileProvider(source, {
    maxSeqLen,
    vocabSize,
    // `Local` names no token size; u16 is the usual one wherever the vocabulary fits.
    tokenBytes: vocabSize > 65_536 ? 4 : 2,
    shuffle: localShuffle ?? { Seeded: new Uint8Array(32) },
  });
}

function urlsOf(location: HttpData["location"]): string[] {
  if ("SingleUrl" in location) return [location.SingleUrl];
  if ("NumberedFiles" in location) {
    const { url_template, start_index, n_left_pad_zeros, num_files } = location.NumberedFiles;
    return numberedUrls(url_template, start_index, n_left_pad_zeros, num_files);
  }
  throw unsupported("Http.location.Gcp");
}

function unsupported(kind: string): DataError {
  return new DataError(
    "unsupported",
    `data_location ${kind} cannot be read by this version; use Local, Http with SingleUrl or NumberedFiles, or Dummy`,
  );
}
