import { DataError, throwIfAborted } from "./dataError.ts";
import { pause } from "./signals.ts";

export interface HttpOptions {
  fetch?: typeof globalThis.fetch;
  /** a request that brings no byte for this long is given up */
  timeoutMs?: number;
  /** attempts at a request, the first included */
  tries?: number;
  /** pause after the first failed attempt; it doubles with each, up to 10 s */
  retryPauseMs?: number;
  /** an attempt that is slower than this on the whole is given up: 16 KB/s keeps up with no run */
  minBytesPerSecond?: number;
}

const MAX_RETRY_PAUSE_MS = 10_000;
/** What a slow attempt may take before its speed counts, in time-outs. */
const SLOW_START_TIMEOUTS = 6;

/** Statuses that say "not now": the others will not get better by asking again. */
const TEMPORARY_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An attempt failed in a way that another one may mend. */
export class TemporaryFailure extends Error {}

export interface Attempt {
  /** fires when the caller gives up, and when the server was silent or slow for too long */
  signal: AbortSignal;
  /** to be called with every sign of life */
  alive(): void;
}

/** Requests with time limits and retries. Only what a browser shows of another origin's answers without special headers is relied on. */
export class HttpRequester {
  readonly #fetch: typeof globalThis.fetch;
  readonly #timeoutMs: number;
  readonly #tries: number;
  readonly #retryPauseMs: number;
  readonly #minBytesPerSecond: number;

  constructor(options: HttpOptions = {}) {
    // not the bare function: a browser's fetch refuses to be called as the method of another object
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#timeoutMs = options.timeoutMs ?? 5000;
    this.#tries = options.tries ?? 7;
    this.#retryPauseMs = options.retryPauseMs ?? 250;
    this.#minBytesPerSecond = options.minBytesPerSecond ?? 16_384;
  }

  /** Makes attempts until one succeeds, so `lengthBytes` come within a bounded time, or a `DataError`. */
  async withRetries<T>(
    what: string,
    lengthBytes: number,
    signal: AbortSignal | undefined,
    attempt: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const wholeMs = SLOW_START_TIMEOUTS * this.#timeoutMs + (lengthBytes / this.#minBytesPerSecond) * 1000;
    for (let failures = 0; ;) {
      throwIfAborted(signal);
      const late = new AbortController();
      let silence: ReturnType<typeof setTimeout> | undefined;
      const alive = (): void => {
        clearTimeout(silence);
        silence = setTimeout(() => late.abort(`no byte came for ${this.#timeoutMs} ms`), this.#timeoutMs);
      };
      alive();
      const whole = setTimeout(() => late.abort(`fewer than ${lengthBytes} bytes came in ${Math.round(wholeMs)} ms`), wholeMs);
      try {
        return await attempt({ signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]), alive });
      } catch (error) {
        throwIfAborted(signal);
        if (error instanceof DataError) throw error;
        failures++;
        if (failures >= this.#tries) {
          const reason = late.signal.aborted ? String(late.signal.reason) : describe(error);
          throw new DataError("unreachable", `${what}: ${reason}, ${failures} times; is the server up?`, error);
        }
      } finally {
        clearTimeout(silence);
        clearTimeout(whole);
      }
      await pause(Math.min(this.#retryPauseMs * 2 ** (failures - 1), MAX_RETRY_PAUSE_MS), signal);
    }
  }

  /** One request; resolves to an answer with a good status. Throws a `TemporaryFailure` or a `DataError` otherwise. */
  async send(url: string, method: "GET" | "HEAD", headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    // Compressed bytes have other offsets. (A browser ignores this header; it sends the same itself with a Range.)
    const response = await this.#fetch(url, { method, headers: { ...headers, "accept-encoding": "identity" }, signal });
    if (response.ok) {
      const encoding = response.headers.get("content-encoding");
      if (encoding === null || encoding === "identity") return response;
      await response.body?.cancel();
      throw new DataError(
        "bad-file",
        `${method} ${url}: the server compresses (${encoding}), which moves every offset; serve the file as it is`,
      );
    }
    await response.body?.cancel();
    const message = `HTTP ${response.status} ${response.statusText}`.trim();
    if (TEMPORARY_STATUSES.has(response.status)) throw new TemporaryFailure(message);
    throw new DataError(
      response.status === 416 ? "bad-file" : "unreachable",
      `${method} ${url}: ${message}; ${response.status === 416 ? "the file shrank while in use" : "is the address right?"}`,
    );
  }

  /** A small text, such as a listing. Errors: DataError bad-file when it is longer than `maxBytes`. */
  async text(url: string, maxBytes: number, signal: AbortSignal | undefined): Promise<string> {
    return this.withRetries(`GET ${url}`, maxBytes, signal, async ({ signal: attemptSignal, alive }) => {
      const response = await this.send(url, "GET", {}, attemptSignal);
      const pieces: Uint8Array[] = [];
      let total = 0;
      await eachChunk(response, (chunk) => {
        alive();
        total += chunk.length;
        if (total > maxBytes) throw new DataError("bad-file", `GET ${url}: more than the ${maxBytes} bytes allowed came back`);
        pieces.push(chunk);
      });
      const length = response.headers.get("content-length");
      if (length !== null && Number(length) !== total) throw new TemporaryFailure(`the answer ended after ${total} of ${length} bytes`);
      return new TextDecoder().decode(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    });
  }
}

/** Reads exactly `lengthBytes` bytes; a shorter body is a cut connection, a longer one is refused before it fills memory. */
export async function readBody(response: Response, lengthBytes: number, alive: () => void): Promise<Uint8Array> {
  const bytes = new Uint8Array(lengthBytes);
  let filled = 0;
  await eachChunk(response, (chunk) => {
    alive();
    if (filled + chunk.length > lengthBytes) {
      throw new DataError("bad-file", `GET ${response.url}: more than the ${lengthBytes} bytes asked for came back`);
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
  });
  if (filled < lengthBytes) throw new TemporaryFailure(`the answer ended after ${filled} of ${lengthBytes} bytes`);
  return bytes;
}

async function eachChunk(response: Response, take: (chunk: Uint8Array) => void): Promise<void> {
  if (response.body === null) throw new TemporaryFailure("an answer without a body");
  const reader = response.body.getReader(); // not every browser iterates a stream
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    try {
      take(value);
    } catch (error) {
      await reader.cancel();
      throw error;
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch hides the reason ("connect ECONNREFUSED") in the cause of a bare "fetch failed".
  return error.cause instanceof Error && error.cause.message !== "" ? `${error.message} (${error.cause.message})` : error.message;
}
