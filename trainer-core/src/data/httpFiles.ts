import { DataError, throwIfAborted } from "./dataError.ts";
import type { FileSource } from "./fileSource.ts";
import { HttpRequester, readBody, type HttpOptions } from "./httpRequest.ts";
import { orAborted } from "./signals.ts";

export interface HttpFilesOptions extends HttpOptions {
  /** files of a server without ranges are held whole in memory up to this size, all of them together */
  wholeFileBudgetBytes?: number;
  /** where Google Cloud Storage is asked; default its own address, another for an emulator */
  storageEndpoint?: string;
}

const MAX_NUMBERED_FILES = 65_536;

/** What is known of a file since the first answer about it: whatever contradicts it later is another file. */
interface KnownFile {
  sizeBytes: number;
  /** null where the server sends none, or a browser hides it */
  etag: string | null;
}

/** What a ranged request brought: the range, or, from a server that does not know ranges, the whole file. */
type RangeAnswer = { kind: "range"; bytes: Uint8Array } | { kind: "whole"; bytes: Uint8Array };

/**
 * Files on web servers, read with HTTP ranges (RFC 9110, 14.2), in the order given. What came is checked against what was asked
 * for, as far as the server says: range, length, size and ETag. A file that changes while in use is an error, never other tokens.
 */
export function httpFiles(
  urls: readonly string[] | ((signal: AbortSignal | undefined) => Promise<string[]>),
  options: HttpFilesOptions = {},
): FileSource {
  const requester = new HttpRequester(options);
  let wholeFileBudgetBytes = options.wholeFileBudgetBytes ?? 64 * 2 ** 20;
  const wholeFiles = new Map<string, Uint8Array>();
  const loading = new Map<string, Promise<Uint8Array>>();
  const known = new Map<string, KnownFile>();

  const look = async (url: string, signal: AbortSignal | undefined): Promise<KnownFile> => {
    const before = known.get(url);
    if (before !== undefined) return before;
    const file = await requester.withRetries(`HEAD ${url}`, 0, signal, async (attempt) => {
      const response = await requester.send(url, "HEAD", {}, attempt.signal);
      const length = response.headers.get("content-length");
      if (length === null || !/^\d{1,15}$/.test(length)) {
        throw new DataError("bad-file", `HEAD ${url}: the size is needed, Content-Length is ${length ?? "missing"}`);
      }
      return { sizeBytes: Number(length), etag: response.headers.get("etag") };
    });
    known.set(url, file);
    return file;
  };

  /** Each file is brought once, and its room is taken before it comes: many reads at once must not hold many copies. */
  const readWhole = async (
    url: string,
    { sizeBytes }: KnownFile,
    response: Response,
    alive: () => void,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> => {
    const already = wholeFiles.get(url) ?? loading.get(url);
    if (already !== undefined) {
      await response.body?.cancel();
      return already instanceof Promise && signal !== undefined ? orAborted(already, signal) : already;
    }
    if (sizeBytes > wholeFileBudgetBytes) {
      throw new DataError(
        "range-unsupported",
        `GET ${url}: the server does not serve ranges (HTTP 200 instead of 206), and a file of ${sizeBytes} bytes is too large ` +
          `to hold in memory (${wholeFileBudgetBytes} bytes left); use a server with range support`,
      );
    }
    wholeFileBudgetBytes -= sizeBytes;
    const load = readBody(response, sizeBytes, alive);
    loading.set(url, load);
    try {
      const bytes = await load;
      wholeFiles.set(url, bytes);
      return bytes;
    } catch (error) {
      wholeFileBudgetBytes += sizeBytes;
      throw error;
    } finally {
      loading.delete(url);
    }
  };

  const readRange = (url: string, file: KnownFile, offsetBytes: number, lengthBytes: number, signal?: AbortSignal): Promise<RangeAnswer> =>
    requester.withRetries(`GET ${url}`, lengthBytes, signal, async ({ signal: attemptSignal, alive }) => {
      const range = `${offsetBytes}-${offsetBytes + lengthBytes - 1}`;
      const response = await requester.send(url, "GET", { range: `bytes=${range}` }, attemptSignal);
      try {
        checkUnchanged(url, file, response);
        if (response.status === 206) {
          checkRangeSent(url, file, range, response);
          return { kind: "range", bytes: await readBody(response, lengthBytes, alive) };
        }
        // 200: the server ignored the range and sends everything.
        return { kind: "whole", bytes: await readWhole(url, file, response, alive, signal) };
      } catch (error) {
        if (!response.bodyUsed) await response.body?.cancel().catch(() => undefined);
        throw error;
      }
    });

  return {
    async list(signal) {
      throwIfAborted(signal);
      return typeof urls === "function" ? urls(signal) : [...urls];
    },

    async sizeBytes(url, signal) {
      throwIfAborted(signal);
      return (await look(url, signal)).sizeBytes;
    },

    async read(url, offsetBytes, lengthBytes, signal) {
      throwIfAborted(signal);
      if (lengthBytes === 0) return new Uint8Array(0);
      const file = await look(url, signal);
      if (offsetBytes + lengthBytes > file.sizeBytes) {
        throw new DataError("bad-file", `${url} has ${file.sizeBytes} bytes, ${offsetBytes + lengthBytes} were expected: it was cut off`);
      }
      let whole = wholeFiles.get(url);
      if (whole === undefined) {
        const answer = await readRange(url, file, offsetBytes, lengthBytes, signal);
        if (answer.kind === "range") return answer.bytes;
        whole = answer.bytes;
      }
      return whole.subarray(offsetBytes, offsetBytes + lengthBytes);
    },
  };
}

function checkUnchanged(url: string, { etag }: KnownFile, response: Response): void {
  const now = response.headers.get("etag");
  if (etag === null || now === null || now === etag) return;
  throw changed(url, `ETag ${now}, it was ${etag}`);
}

function checkRangeSent(url: string, { sizeBytes }: KnownFile, range: string, response: Response): void {
  const sent = response.headers.get("content-range");
  if (sent === null) return; // a browser hides it from other origins; the length is checked all the same
  const parts = /^bytes (\d+-\d+)\/(\d+|\*)$/.exec(sent);
  if (parts?.[1] !== range) throw new DataError("bad-file", `GET ${url}: asked for bytes ${range}, the server sent "${sent}"`);
  if (parts[2] !== "*" && Number(parts[2]) !== sizeBytes) throw changed(url, `${parts[2]} bytes, it had ${sizeBytes}`);
}

function changed(url: string, how: string): DataError {
  return new DataError("bad-file", `${url} changed while in use: now ${how}; a run's data must stay as they are, restart when they do`);
}

/** The urls of numbered files: `{}` in the template becomes the number, padded with zeros to `leftPadZeros` digits. */
export function numberedUrls(template: string, startIndex: number, leftPadZeros: number, fileCount: number): string[] {
  if (template.split("{}").length !== 2) {
    throw new DataError("bad-request", `url_template must hold {} exactly once, got "${template}"`);
  }
  if (fileCount > MAX_NUMBERED_FILES) {
    throw new DataError(
      "bad-request",
      `num_files must be at most ${MAX_NUMBERED_FILES}, got ${fileCount}: each costs a request at the start`,
    );
  }
  return Array.from({ length: fileCount }, (_, i) => template.replace("{}", String(startIndex + i).padStart(leftPadZeros, "0")));
}
