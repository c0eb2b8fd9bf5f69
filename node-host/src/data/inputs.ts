/** The texts that `prepare-data` reads: files, packed or not, and stdin, as bytes from any place on. */
import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { HostError } from "../errors.ts";

export const STDIN = "-";

/** How a text is cut into documents. */
export type TextForm = "text" | "jsonl";

export interface Input {
  /** as it was given; `-` = stdin */
  path: string;
  form: TextForm;
  packed: boolean;
  /** null for stdin */
  sizeBytes: number | null;
  /** ms since 1970; null for stdin */
  modifiedMs: number | null;
}

/** Errors: HostError bad-option for what is no readable file. */
export function describeInputs(paths: readonly string[], form: TextForm | "auto"): Input[] {
  if (paths.filter((path) => path === STDIN).length > 1) throw new HostError("bad-option", "stdin (-) can only be read once");
  return paths.map((path) => {
    const name = path.toLowerCase().replace(/\.gz$/, "");
    const guessed: TextForm = /\.(jsonl|ndjson)$/.test(name) ? "jsonl" : "text";
    const packed = path.toLowerCase().endsWith(".gz");
    if (path === STDIN) return { path, form: form === "auto" ? "text" : form, packed: false, sizeBytes: null, modifiedMs: null };
    if (form === "auto" && name.endsWith(".json")) {
      throw new HostError(
        "bad-option",
        `${path}: say --format jsonl if every line is a JSON object, or --format text if the JSON is the text`,
      );
    }
    try {
      const stat = statSync(path);
      if (!stat.isFile()) throw new Error("not a file; name the files in it (FOLDER/*.txt)");
      return { path, form: form === "auto" ? guessed : form, packed, sizeBytes: stat.size, modifiedMs: Math.floor(stat.mtimeMs) };
    } catch (cause) {
      throw new HostError("bad-option", `${path} cannot be read: ${(cause as Error).message}`, { cause });
    }
  });
}

/**
 * The bytes of an input from `skipBytes` on, unpacked. Only a plain file can be entered in its middle; of the others what is skipped
 * is read too. `onRead` is told of bytes as they lie in the file.
 * Errors: HostError data.
 */
export async function* readInput(
  { path, packed }: Input,
  skipBytes: number,
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const start = packed || path === STDIN ? 0 : skipBytes;
  if (start > 0) onRead(start);
  const raw: Readable = path === STDIN ? process.stdin : createReadStream(path, { start, highWaterMark: 2 ** 18 });
  raw.on("data", (chunk: Buffer) => onRead(chunk.length));
  raw.pause();
  const gunzip = packed ? createGunzip() : null;
  if (gunzip !== null) {
    raw.once("error", (error) => gunzip.destroy(error));
    raw.pipe(gunzip);
  }
  const stream = gunzip ?? raw;
  const stop = (): void => void stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    let left = skipBytes - start;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (left >= chunk.length) {
        left -= chunk.length;
        continue;
      }
      yield left > 0 ? chunk.subarray(left) : chunk;
      left = 0;
    }
    if (left > 0) throw new HostError("data", `${path} is shorter than it was: ${left} bytes before the place to go on from are missing`);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    if (signal.aborted) return;
    const what = packed ? `${path} cannot be unpacked (is it whole?)` : `${path} cannot be read`;
    throw new HostError("data", `${what}: ${(cause as Error).message}`, { cause });
  } finally {
    signal.removeEventListener("abort", stop);
    raw.destroy();
    gunzip?.destroy();
  }
}
