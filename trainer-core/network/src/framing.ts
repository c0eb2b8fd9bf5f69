import type { Stream } from "@libp2p/interface";
import { Uint8ArrayList } from "uint8arraylist";
import { NetworkError } from "./errors.ts";
import { abortedError, onAbort } from "./signals.ts";

const pieceBytes = 64 * 1024;
const headerBytes = 5;

/** First byte of a frame. */
export const FrameTag = { data: 0, error: 1, end: 2 } as const;

export interface Frame {
  tag: number;
  body: Uint8Array;
}

export interface TransferOptions {
  signal?: AbortSignal;
  /** Called with the bytes of the body so far. */
  onBytes?: (bytes: number) => void;
}

/**
 * Pulls bytes from a stream with real backpressure: it pauses the stream above `highBytes` and resumes it below
 * `lowBytes`. libp2p's own readers do not: `for await` buffers without limit, `byteStream` aborts past 4 MiB. Attach it in
 * the same turn that gave the stream, or libp2p drops the first bytes.
 */
export class StreamReader {
  readonly #stream: Stream;
  readonly #highBytes: number;
  readonly #lowBytes: number;
  readonly #buffer = new Uint8ArrayList();
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | null = null;

  constructor(stream: Stream, options: { highBytes?: number; lowBytes?: number } = {}) {
    this.#stream = stream;
    this.#highBytes = options.highBytes ?? 2 * 1024 * 1024;
    this.#lowBytes = options.lowBytes ?? 512 * 1024;
    stream.addEventListener("message", (event) => {
      this.#buffer.append(event.data);
      if (this.#buffer.byteLength > this.#highBytes && stream.readStatus === "readable") stream.pause();
      this.#notify();
    });
    stream.addEventListener("remoteCloseWrite", () => {
      this.#ended = true;
      this.#notify();
    });
    stream.addEventListener("close", (event) => {
      this.#ended = true;
      this.#error = event.error;
      this.#notify();
    });
  }

  /** The next bytes, at most `maxBytes`, or null at a clean end. @throws NetworkError */
  async read(maxBytes: number, options: TransferOptions = {}): Promise<Uint8Array | null> {
    while (this.#buffer.byteLength === 0) {
      if (this.#error !== undefined) {
        throw new NetworkError("unreachable", `the stream broke: ${this.#error.message}`, { cause: this.#error });
      }
      if (this.#ended && this.#stream.readBufferLength === 0) return null;
      this.#release();
      await this.#more(options);
    }
    const bytes = Math.min(maxBytes, this.#buffer.byteLength);
    const piece = this.#buffer.slice(0, bytes);
    this.#buffer.consume(bytes);
    this.#release();
    return piece;
  }

  /** Exactly `bytes` bytes. @throws NetworkError `unreachable` when the stream ends before. */
  async readExactly(bytes: number, options: TransferOptions = {}): Promise<Uint8Array> {
    const whole = new Uint8Array(bytes);
    let at = 0;
    while (at < bytes) {
      const piece = await this.read(bytes - at, options);
      if (piece === null) throw new NetworkError("unreachable", `the stream ended after ${at} of ${bytes} bytes`);
      whole.set(piece, at);
      at += piece.byteLength;
      options.onBytes?.(at);
    }
    return whole;
  }

  /** One frame. The length is checked before a byte of the body is kept. @throws NetworkError `too-large`, `malformed` */
  async readFrame(maxBodyBytes: number, options: TransferOptions = {}): Promise<Frame> {
    const header = await this.readExactly(headerBytes, { ...options, onBytes: undefined });
    const tag = header[0];
    const bodyBytes = new DataView(header.buffer).getUint32(1, true);
    if (tag > FrameTag.end) throw new NetworkError("malformed", `a frame is tagged 0, 1 or 2, this one ${tag}`);
    // An error's text is short whatever the caller's limit is.
    const limitBytes = tag === FrameTag.data ? maxBodyBytes : 4096;
    if (bodyBytes > limitBytes) {
      throw new NetworkError("too-large", `frame of ${bodyBytes} bytes is over the limit of ${limitBytes}`);
    }
    return { tag, body: await this.readExactly(bodyBytes, options) };
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #release(): void {
    if (this.#stream.readStatus === "paused" && this.#buffer.byteLength < this.#lowBytes) this.#stream.resume();
  }

  #more({ signal }: TransferOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw abortedError("reading", signal);
      const undo = onAbort(signal, () => {
        this.#wake = null;
        reject(abortedError("reading", signal));
      });
      this.#wake = () => {
        undo();
        resolve();
      };
    });
  }
}

/** Sends one frame, waiting whenever the transport is full. */
export async function writeFrame(stream: Stream, tag: number, body: Uint8Array, options: TransferOptions = {}): Promise<void> {
  const first = new Uint8Array(headerBytes + Math.min(body.byteLength, pieceBytes));
  first[0] = tag;
  new DataView(first.buffer).setUint32(1, body.byteLength, true);
  first.set(body.subarray(0, pieceBytes), headerBytes);
  stream.send(first);
  await drained(stream, options.signal);
  for (let at = pieceBytes; at < body.byteLength; at += pieceBytes) {
    stream.send(body.subarray(at, at + pieceBytes));
    await drained(stream, options.signal);
    options.onBytes?.(at);
  }
}

/**
 * Resolves when the transport has taken everything. Not `stream.onDrain()`: in libp2p 3.3 that waits once in the life of
 * a stream and returns at once ever after, so that a slow reader makes the writer's buffer grow without limit.
 */
async function drained(stream: Stream, signal: AbortSignal | undefined): Promise<void> {
  while (stream.writableNeedsDrain || stream.writeBufferLength > 0) {
    if (stream.writeStatus === "closed") throw new NetworkError("unreachable", "the stream closed while writing");
    await new Promise<void>((resolve, reject) => {
      if (signal?.aborted) throw abortedError("writing", signal);
      const events = ["drain", "idle", "close"] as const;
      const settle = (report: () => void): void => {
        for (const event of events) stream.removeEventListener(event, onEvent);
        undo();
        report();
      };
      const onEvent = (): void => settle(resolve);
      const undo = onAbort(signal, () => settle(() => reject(abortedError("writing", signal))));
      for (const event of events) stream.addEventListener(event, onEvent);
    });
  }
}
