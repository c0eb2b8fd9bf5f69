import { DataError, throwIfAborted } from "./dataError.ts";
import type { FileSource } from "./fileSource.ts";

export interface HttpFilesOptions {
  fetch?: typeof globalThis.fetch;
  /** a request that brings no byte for this long is given up */
  timeoutMs?: number;
  /** attempts at a request, the first included */
  tries?: number;
  /** pause after the first failed attempt; it doubles with each, up to 10 s */
  retryPauseMs?: number;
  /** files of a server without ranges are held whole in memory up to this size, all of them together */
  wholeFileBudgetBytes?: number;
}

const MAX_RETRY_PAUSE_MS = 10_000;

const MAX_NUMBERED_FILES = 65_536;

/** Statuses that say "not now": the others will not get better by asking again. */
const TEMPORARY_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An attempt failed in a way that another one may mend. */
class TemporaryFailure extends Error {}

/** What a ranged request brought: the range, or, from a server that does not know ranges, the start of the whole file. */
type RangeAnswer = { kind: "range"; bytes: Uint8Array } | { kind: "whole"; bytes: Uint8Array };

/**
 * Files on web servers, read with HTTP ranges (RFC 9110, 14.2), in the order given. Only what a browser shows of another
 * origin's answers without special headers is relied on: status, Content-Length and body.
 */
export function httpFiles(urls: readonly string[], options: HttpFilesOptions = {}): FileSource {
  const { fetch = globalThis.fetch, timeoutMs = 5000, tries = 7, retryPauseMs = 250 } = options;
  let wholeFileBudgetBytes = options.wholeFileBudgetBytes ?? 64 * 2 ** 20;
  const wholeFiles = new Map<string, Uint8Array>();
  const sizes = new Map<string, number>();

  /** Asks until an attempt succeeds. `attempt` calls `alive` with every sign of life. */
  const withRetries = async <T>(
    what: string,
    signal: AbortSignal | undefined,
    attempt: (attemptSignal: AbortSignal, alive: () => void) => Promise<T>,
  ): Promise<T> => {
    for (let failures = 0; ;) {
      throwIfAborted(signal);
      const stalled = new AbortController();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const alive = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => stalled.abort(), timeoutMs);
      };
      alive();
      const attemptSignal = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]);
      try {
        return await attempt(attemptSignal, alive);
      } catch (error) {
        throwIfAborted(signal);
        if (error instanceof DataError) throw error;
        failures++;
        if (failures >= tries) {
          const reason = stalled.signal.aborted ? `no byte came for ${timeoutMs} ms` : describe(error);
          throw new DataError("unreachable", `${what}: ${reason}, ${failures} times; is the server up?`, error);
        }
      } finally {
        clearTimeout(timer);
      }
      await pause(Math.min(retryPauseMs * 2 ** (failures - 1), MAX_RETRY_PAUSE_MS), signal);
    }
  };

  const get = async (url: string, headers: Record<string, string>, method: "GET" | "HEAD", signal: AbortSignal): Promise<Response> => {
    // Compressed bytes have other offsets. (A browser ignores this header; it sends the same itself with a Range.)
    const response = await fetch(url, { method, headers: { ...headers, "accept-encoding": "identity" }, signal });
    if (response.ok) return response;
    await response.body?.cancel();
    const message = `HTTP ${response.status} ${response.statusText}`.trim();
    if (TEMPORARY_STATUSES.has(response.status)) throw new TemporaryFailure(message);
    throw new DataError(
      response.status === 416 ? "bad-file" : "unreachable",
      `${method} ${url}: ${message}; ${response.status === 416 ? "the file shrank while in use" : "is the address right?"}`,
    );
  };

  const readRange = (url: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal): Promise<RangeAnswer> =>
    withRetries(`GET ${url}`, signal, async (attemptSignal, alive) => {
      const range = `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}`;
      const response = await get(url, { range }, "GET", attemptSignal);
      if (response.status === 206) {
        const contentRange = response.headers.get("content-range");
        if (contentRange !== null && !contentRange.startsWith(`bytes ${offsetBytes}-${offsetBytes + lengthBytes - 1}/`)) {
          await response.body?.cancel();
          throw new DataError("bad-file", `GET ${url}: asked for ${range}, the server sent "${contentRange}"`);
        }
        return { kind: "range", bytes: await readBody(response, lengthBytes, alive) };
      }
      // 200: the server ignored the range and sends everything.
      const sizeBytes = sizes.get(url) ?? Number(response.headers.get("content-length") ?? NaN);
      if (!(sizeBytes <= wholeFileBudgetBytes)) {
        await response.body?.cancel();
        throw new DataError(
          "range-unsupported",
          `GET ${url}: the server does not serve ranges (HTTP 200 instead of 206), and a file of ${sizeBytes} bytes is too large ` +
            `to hold in memory (${wholeFileBudgetBytes} bytes left); use a server with range support`,
        );
      }
      return { kind: "whole", bytes: await readBody(response, sizeBytes, alive) };
    });

  return {
    async list(signal) {
      throwIfAborted(signal);
      return [...urls];
    },

    async sizeBytes(url, signal) {
      throwIfAborted(signal);
      const known = sizes.get(url);
      if (known !== undefined) return known;
      const size = await withRetries(`HEAD ${url}`, signal, async (attemptSignal) => {
        const response = await get(url, {}, "HEAD", attemptSignal);
        const length = response.headers.get("content-length");
        if (length === null || !/^\d{1,15}$/.test(length)) {
          throw new DataError("bad-file", `HEAD ${url}: the size is needed, Content-Length is ${length ?? "missing"}`);
        }
        return Number(length);
      });
      sizes.set(url, size);
      return size;
    },

    async read(url, offsetBytes, lengthBytes, signal) {
      throwIfAborted(signal);
      if (lengthBytes === 0) return new Uint8Array(0);
      let whole = wholeFiles.get(url);
      if (whole === undefined) {
        const answer = await readRange(url, offsetBytes, lengthBytes, signal);
        if (answer.kind === "range") return answer.bytes;
        whole = answer.bytes;
        // Two first reads at once may both bring the file; it is kept and counted once.
        if (!wholeFiles.has(url)) {
          wholeFiles.set(url, whole);
          wholeFileBudgetBytes -= whole.length;
        }
      }
      if (offsetBytes + lengthBytes > whole.length) {
        throw new DataError(
          "bad-file",
          `${url} ends at byte ${whole.length}, ${offsetBytes + lengthBytes} were expected: it shrank while in use`,
        );
      }
      return whole.subarray(offsetBytes, offsetBytes + lengthBytes);
    },
  };
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

/** Reads exactly `lengthBytes` bytes; a shorter body is a cut connection, a longer one is refused before it fills memory. */
async function readBody(response: Response, lengthBytes: number, alive: () => void): Promise<Uint8Array> {
  const bytes = new Uint8Array(lengthBytes);
  let filled = 0;
  if (response.body === null) throw new TemporaryFailure("an answer without a body");
  const reader = response.body.getReader(); // not every browser iterates a stream
  for (;;) {
    const { done, value: chunk } = await reader.read();
    if (done) break;
    alive();
    if (filled + chunk.length > lengthBytes) {
      await reader.cancel();
      throw new DataError("bad-file", `GET ${response.url}: more than the ${lengthBytes} bytes asked for came back`);
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < lengthBytes) throw new TemporaryFailure(`the answer ended after ${filled} of ${lengthBytes} bytes`);
  return bytes;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch hides the reason ("connect ECONNREFUSED") in the cause of a bare "fetch failed".
  return error.cause instanceof Error && error.cause.message !== "" ? `${error.message} (${error.cause.message})` : error.message;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done); // withRetries sees the abort and throws
  });
}
