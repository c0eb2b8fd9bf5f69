import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type FileMetaData } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { DataError } from "./dataError.ts";
import type { FileSource } from "./fileSource.ts";

/** Rows that are stored, and here decoded, together. */
export interface RowGroup {
  /** first row, counted from the file's beginning */
  firstRow: number;
  rows: number;
}

/** A file of ready sequences, one a row: the column `inputs`, and those that must agree with it (`CHECKED_COLUMNS`). */
export interface ParquetFile {
  name: string;
  rows: number;
  groups: RowGroup[];
  /** The tokens of rows [from, to), row-major. */
  read(from: number, to: number, signal: AbortSignal): Promise<Int32Array>;
}

const INPUTS = "inputs";
/** Read besides, where a file has them, and compared: the engine trains on whole, unmasked sequences. */
const CHECKED_COLUMNS = ["labels", "position_ids", "sequence_lengths"] as const;
/** A column of one row group is read at once; files made for training have row groups of a few MB. */
const MAX_COLUMN_CHUNK_BYTES = 2 ** 30;
const MAX_METADATA_BYTES = 64 * 2 ** 20;
/** Token files hold no geography; looking for it, the decoder never ends over a column of -1 children. */
const PLAIN = { geoparquet: false };

/**
 * Reads a file's footer. Tokens must be in [0, vocabSize), every row exactly `maxSeqLen` of them.
 * @throws DataError bad-file, unsupported, and what the source throws
 */
export async function openParquetFile(
  source: FileSource,
  name: string,
  { maxSeqLen, vocabSize }: { maxSeqLen: number; vocabSize: number },
  openSignal: AbortSignal,
): Promise<ParquetFile> {
  const byteLength = await source.sizeBytes(name, openSignal);
  const bufferFor = (signal: AbortSignal): AsyncBuffer => ({
    byteLength,
    slice: async (start, end = byteLength) => {
      const bytes = await source.read(name, start, end - start, signal);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  });
  await checkFooter(source, name, byteLength, openSignal);
  const metadata = await decoding(name, () => parquetMetadataAsync(bufferFor(openSignal), PLAIN));
  const columns = columnsOf(name, metadata);
  const groups = groupsOf(name, metadata, columns);
  const rows = groups.reduce((sum, group) => sum + group.rows, 0);

  return {
    name,
    rows,
    groups,
    async read(from, to, signal) {
      const read = await decoding(name, () =>
        parquetReadObjects({ file: bufferFor(signal), metadata, columns, rowStart: from, rowEnd: to, compressors, useOffsetIndex: true }),
      );
      if (read.length !== to - from) throw new DataError("bad-file", `${name}: rows ${from} to ${to} were expected, ${read.length} came`);
      const tokens = new Int32Array((to - from) * maxSeqLen);
      read.forEach((row, i) => {
        const inputs = integers(row[INPUTS], () => `${name}, row ${from + i}, column ${INPUTS}`);
        if (inputs.length !== maxSeqLen) {
          throw new DataError(
            "bad-file",
            `${name}, row ${from + i}: ${inputs.length} tokens in column ${INPUTS}, the run's max_seq_len is ${maxSeqLen}; ` +
              "prepare the data for this length",
          );
        }
        const outside = inputs.find((token) => token < 0 || token >= vocabSize);
        if (outside !== undefined) {
          throw new DataError("bad-token", `${name}, row ${from + i}: token ${outside} is outside the vocabulary of ${vocabSize}`);
        }
        for (const column of columns) {
          if (column === INPUTS || row[column] === null) continue;
          const values = integers(row[column], () => `${name}, row ${from + i}, column ${column}`);
          checkColumn(column as (typeof CHECKED_COLUMNS)[number], values, inputs, `${name}, row ${from + i}`);
        }
        tokens.set(inputs, i * maxSeqLen);
      });
      return tokens;
    },
  };
}

/** Magic and length at the file's end, so that a wrong length is not taken for a size to allocate. */
async function checkFooter(source: FileSource, name: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
  const tail = sizeBytes < 12 ? new Uint8Array(8) : await source.read(name, sizeBytes - 8, 8, signal);
  if (new TextDecoder().decode(tail.subarray(4)) !== "PAR1") {
    throw new DataError("bad-file", `${name}: no Parquet file, or one that was cut off: it must end in PAR1`);
  }
  const footerBytes = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (footerBytes > sizeBytes - 12 || footerBytes > MAX_METADATA_BYTES) {
    throw new DataError("bad-file", `${name}: a footer of ${footerBytes} bytes does not fit a file of ${sizeBytes}`);
  }
}

function columnsOf(name: string, metadata: FileMetaData): string[] {
  const present = new Set(
    metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data?.path_in_schema?.[0] ?? "")),
  );
  if (metadata.row_groups.length > 0 && !present.has(INPUTS)) {
    throw new DataError("bad-file", `${name}: no column ${INPUTS}; it has ${[...present].join(", ")}`);
  }
  return [INPUTS, ...CHECKED_COLUMNS.filter((column) => present.has(column))];
}

function groupsOf(name: string, metadata: FileMetaData, columns: readonly string[]): RowGroup[] {
  let firstRow = 0;
  return metadata.row_groups.map((group) => {
    const rows = Number(group.num_rows);
    if (!Number.isSafeInteger(rows) || rows < 0) throw new DataError("bad-file", `${name}: a row group of ${group.num_rows} rows`);
    for (const { meta_data: chunk } of group.columns) {
      if (chunk === undefined || !columns.includes(chunk.path_in_schema?.[0] ?? "")) continue;
      const bytes = Math.max(Number(chunk.total_uncompressed_size), Number(chunk.total_compressed_size));
      if (!(bytes <= MAX_COLUMN_CHUNK_BYTES)) {
        throw new DataError(
          "unsupported",
          `${name}: ${bytes} bytes in column ${chunk.path_in_schema[0]} of one row group, at most ${MAX_COLUMN_CHUNK_BYTES} are read at once; ` +
            "write smaller row groups",
        );
      }
    }
    firstRow += rows;
    return { firstRow: firstRow - rows, rows };
  });
}

function integers(value: unknown, where: () => string): number[] {
  const list = ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number | bigint>) : value;
  if (!Array.isArray(list)) throw new DataError("bad-file", `${where()}: must be a list of integers`);
  return list.map((item: unknown) => {
    const number = typeof item === "bigint" ? Number(item) : item;
    if (!Number.isSafeInteger(number)) throw new DataError("bad-file", `${where()}: must hold integers only, has ${String(item)}`);
    return number as number;
  });
}

/** The engine predicts every next token of a whole sequence: what asks for anything else cannot be trained on as it was meant. */
function checkColumn(column: (typeof CHECKED_COLUMNS)[number], values: readonly number[], inputs: readonly number[], where: string): void {
  switch (column) {
    case "labels":
      if (values.length === inputs.length && values.every((value, i) => value === inputs[i])) return;
      throw new DataError(
        "unsupported",
        `${where}: the column labels differs from inputs, and Starling cannot mask tokens yet; leave the column out to train on all of them`,
      );
    case "position_ids":
      if (values.length === inputs.length && values.every((value, i) => value === i)) return;
      throw new DataError("unsupported", `${where}: the column position_ids must count from 0, as Starling always does; leave it out`);
    case "sequence_lengths":
      if (values.length === 1 && values[0] === inputs.length) return;
      throw new DataError(
        "unsupported",
        `${where}: the column sequence_lengths packs ${values.length} documents, and Starling lets a token see all before it; leave it out to accept that`,
      );
  }
  column satisfies never;
}

/** Whatever the library throws over bytes that are not Parquet becomes one error of ours. */
async function decoding<T>(name: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError("bad-file", `${name}: not a readable Parquet file: ${(error as Error).message}`, error);
  }
}
