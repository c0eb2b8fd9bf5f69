import { CheckpointError } from "./checkpointError.ts";

/** A file that can be read in ranges. */
export interface BlobReader {
  readonly sizeBytes: number;
  /** Exactly `lengthBytes` bytes, which the caller owns. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
}

/** The files of one checkpoint: a directory, a folder of OPFS, the answer of a peer. */
export interface CheckpointFiles {
  /** for messages: a path or an address */
  readonly location: string;
  /** null when there is no such file */
  open(name: string): Promise<BlobReader | null>;
}

/** A file to be written; `pieces` yields its bytes in order and may be called once. */
export interface CheckpointFile {
  readonly name: string;
  readonly sizeBytes: number;
  pieces(): Iterable<Uint8Array>;
}

/** Bytes that lie in memory as a `BlobReader`. */
export function bytesReader(bytes: Uint8Array): BlobReader {
  return { sizeBytes: bytes.length, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

/** Tensors are read and written in pieces of this size: one call's buffer, not a whole shard. */
export const PIECE_BYTES = 16 * 2 ** 20;

/** config.json, tokenizer.json (17 MB for 128k words), an index: larger is not one of them. */
const MAX_JSON_BYTES = 64 * 2 ** 20;

/** The text of a file, or null when there is none. */
export async function readTextFile(files: CheckpointFiles, name: string): Promise<string | null> {
  const reader = await files.open(name);
  if (reader === null) return null;
  if (reader.sizeBytes > MAX_JSON_BYTES) {
    throw new CheckpointError(
      "bad-format",
      `${files.location}/${name}: at most ${MAX_JSON_BYTES} bytes are read, it has ${reader.sizeBytes}`,
    );
  }
  return new TextDecoder().decode(await reader.read(0, reader.sizeBytes));
}

/** A file parsed as JSON; a missing file is an error. */
export async function readJsonFile(files: CheckpointFiles, name: string): Promise<unknown> {
  const text = await readTextFile(files, name);
  if (text === null) throw new CheckpointError("missing-file", `${files.location}: ${name} is missing; is this a checkpoint?`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CheckpointError("bad-format", `${files.location}/${name} is not JSON: ${(error as Error).message}`, error);
  }
}

export function textFile(name: string, text: string): CheckpointFile {
  const bytes = new TextEncoder().encode(text);
  return { name, sizeBytes: bytes.length, pieces: () => [bytes] };
}

export function jsonFile(name: string, value: unknown): CheckpointFile {
  return textFile(name, `${JSON.stringify(value, null, 2)}\n`);
}
