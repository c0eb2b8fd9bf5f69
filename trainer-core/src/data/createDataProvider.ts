import { ConfigError, parseWeightedHttp, variantOf, type DataLocation, type HttpData } from "@starling/config";
import type { PeerNetwork } from "@starling/network";
import { DataError } from "./dataError.ts";
import type { DataProvider } from "./dataProvider.ts";
import { createDummyProvider } from "./dummyProvider.ts";
import type { FileSource } from "./fileSource.ts";
import { googleBucketUrls } from "./googleBucket.ts";
import { httpFiles, numberedUrls, type HttpFilesOptions } from "./httpFiles.ts";
import { HttpRequester } from "./httpRequest.ts";
import { createLazyProvider } from "./lazyProvider.ts";
import { createMixtureProvider, type MixtureSource } from "./mixtureProvider.ts";
import type { ParquetFiles } from "./parquetFiles.ts";
import type { Shuffle } from "./sequenceOrder.ts";
import { createServerProvider } from "./serverProvider.ts";
import { createTokenFileProvider } from "./tokenFileProvider.ts";

export interface DataProviderOptions {
  /** tokens in a sequence: the run's max_seq_len */
  maxSeqLen: number;
  /** the model's; a token outside it is an error */
  vocabSize: number;
  /** how the host opens a local path (`localFiles`); a browser leaves it out */
  localFiles?: (path: string, extensions?: readonly string[]) => FileSource;
  /** how the host decodes a local folder of Parquet files (`parquetInThread`); left out = here, by `localFiles` */
  localParquet?: (path: string) => ParquetFiles;
  /** `Local` names no order in the run config. Every client of a run must use the same; default: seeded with 32 zero bytes. */
  localShuffle?: Shuffle;
  http?: HttpFilesOptions;
  /** how a data server is reached: this client's own network, so that the server knows who asks */
  server?: { network: PeerNetwork; runId: string };
}

const MAX_WEIGHTED_FILE_BYTES = 2 ** 20;

/**
 * The provider that a run's `data_location` asks for, its folders absolute (`resolveDataLocation`). Opens nothing yet.
 *
 * @throws DataError "unsupported" for a kind that this host cannot read
 */
export function createDataProvider(location: DataLocation, options: DataProviderOptions): DataProvider {
  const { maxSeqLen, vocabSize } = options;
  const { kind, value } = variantOf(location);
  switch (kind) {
    case "Dummy":
      return createDummyProvider(maxSeqLen);
    case "Local":
      return localDataProvider(filesOf(kind, value, undefined, options), options);
    case "Preprocessed":
      return preprocessed(value, options);
    case "Http":
      return httpDataProvider(value, options);
    case "WeightedHttp":
      return createLazyProvider(maxSeqLen, (signal) => weightedHttp(value, options, signal));
    case "Weighted": {
      const sources = value.providers.map(({ location: inner, weight }): MixtureSource => ({
        provider: createDataProvider(inner, options),
        weight: weight ?? null,
      }));
      return createMixtureProvider(sources, { maxSeqLen, shuffle: "DontShuffle" });
    }
    case "Server": {
      if (options.server === undefined) {
        throw new DataError("unsupported", `data_location Server ("${value}") needs a network, and this program has none`);
      }
      return createServerProvider({ address: value, maxSeqLen, vocabSize, ...options.server });
    }
  }
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

function filesOf(kind: string, path: string, extensions: readonly string[] | undefined, { localFiles }: DataProviderOptions): FileSource {
  if (localFiles !== undefined) return localFiles(path, extensions);
  throw new DataError("unsupported", `data_location ${kind} ("${path}") needs a file system; a browser tab has none: use Http`);
}

/** Parquet's decompressors are loaded only where they are needed: a page must not carry them. */
function preprocessed(path: string, options: DataProviderOptions): DataProvider {
  const { maxSeqLen, vocabSize, localParquet } = options;
  const source = localParquet === undefined ? filesOf("Preprocessed", path, [".parquet"], options) : null;
  return createLazyProvider(maxSeqLen, async () => {
    const [{ createParquetProvider }, { parquetFilesOf }] = await Promise.all([
      import("./parquetProvider.ts"),
      import("./parquetFiles.ts"),
    ]);
    const files = source === null ? localParquet!(path) : parquetFilesOf(source);
    return createParquetProvider({ ...files, list: (signal) => listed(files, signal) }, { maxSeqLen, vocabSize });
  });
}

/** The existing system also takes the name of a Hugging Face data set here, which looks like a folder that is not there. */
async function listed(files: ParquetFiles, signal: AbortSignal): Promise<string[]> {
  try {
    return await files.list(signal);
  } catch (error) {
    if (!(error instanceof DataError) || error.code === "aborted") throw error;
    throw new DataError(
      error.code,
      `${error.message}; a Hugging Face data set is not fetched while training: download it first (starling predownload, or ` +
        `"hf download NAME --repo-type dataset --local-dir FOLDER") and name the folder of its .parquet files`,
      error,
    );
  }
}

function httpDataProvider({ location, token_size_in_bytes, shuffle }: HttpData, options: DataProviderOptions): DataProvider {
  const { maxSeqLen, vocabSize, http = {} } = options;
  return createTokenFileProvider(httpFiles(urlsOf(location, http), http), {
    maxSeqLen,
    vocabSize,
    tokenBytes: token_size_in_bytes === "FourBytes" ? 4 : 2,
    shuffle,
  });
}

function urlsOf(location: HttpData["location"], http: HttpFilesOptions): Parameters<typeof httpFiles>[0] {
  const { kind, value } = variantOf(location);
  switch (kind) {
    case "SingleUrl":
      return [value];
    case "NumberedFiles":
      return numberedUrls(value.url_template, value.start_index, value.n_left_pad_zeros, value.num_files);
    case "Gcp":
      return (signal) => googleBucketUrls(value.bucket_name, value.filter_directory, http, signal);
  }
}

async function weightedHttp(url: string, options: DataProviderOptions, signal: AbortSignal): Promise<DataProvider> {
  const text = await new HttpRequester(options.http).text(url, MAX_WEIGHTED_FILE_BYTES, signal);
  try {
    const { shuffle, providers } = parseWeightedHttp(JSON.parse(text), url);
    const sources = providers.map(({ http, weight }) => ({ provider: httpDataProvider(http, options), weight }));
    return createMixtureProvider(sources, { maxSeqLen: options.maxSeqLen, shuffle });
  } catch (error) {
    if (error instanceof SyntaxError) throw new DataError("bad-file", `${url} is not valid JSON: ${error.message}`, error);
    if (error instanceof ConfigError) throw new DataError("bad-file", error.message, error);
    throw error;
  }
}
