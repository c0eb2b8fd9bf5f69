import type { Stream } from "@libp2p/interface";
import { Deadline } from "./deadline.ts";
import { errorText, NetworkError, type NetworkErrorCode } from "./errors.ts";
import { type Frame, FrameTag, StreamReader, type TransferOptions, writeFrame } from "./framing.ts";
import { streamLimits } from "./limits.ts";
import type { Push } from "./port.ts";

/** How long a peer may take to send its request, and to close after our answer. */
const lingerMs = 10_000;
/** What an error frame may carry; anything else in it is read as `remote-error`. */
const wireCodes: readonly NetworkErrorCode[] = ["too-large", "malformed", "refused", "overloaded", "remote-error"];

/** Client side of request/response: one data frame each way. Reads while it writes, since an error may come early. */
export async function askOverStream(
  stream: Stream,
  request: Uint8Array,
  maxResponseBytes: number,
  options: TransferOptions,
): Promise<Uint8Array> {
  const reader = new StreamReader(stream);
  writeFrame(stream, FrameTag.data, request, { signal: options.signal, onBytes: () => options.onBytes?.(0) }).catch(() => {
    // A broken stream or an abort fails the read below as well, and that is where the better error is.
  });
  return expectData(await reader.readFrame(maxResponseBytes, options));
}

/** Client side of a subscription: one data frame out, data frames in until the end frame. */
export async function subscribeOverStream(
  stream: Stream,
  request: Uint8Array,
  maxFrameBytes: number,
  onFrame: (frame: Uint8Array) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const reader = new StreamReader(stream);
  await writeFrame(stream, FrameTag.data, request, { signal });
  for (;;) {
    const frame = await reader.readFrame(maxFrameBytes, { signal });
    if (frame.tag === FrameTag.end) return;
    await onFrame(expectData(frame));
  }
}

/**
 * Server side of both: reads the request, lets `answer` send frames, and ends the stream. Never throws; a failure goes
 * to the peer as an error frame. The handler's signal fires when the peer gives up.
 */
export async function serveStream(
  stream: Stream,
  maxRequestBytes: number,
  answer: (request: Uint8Array, push: Push, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const reader = new StreamReader(stream);
  const gone = new AbortController();
  stream.addEventListener("close", () => gone.abort());
  const arrival = new Deadline({ what: "reading a request", signal: gone.signal, idleTimeoutMs: lingerMs, timeoutMs: 6 * lingerMs });
  arrival.touch();
  let lastWrite: Promise<void> = Promise.resolve();
  const push: Push = (frame) => {
    lastWrite = lastWrite.then(() => writeWithoutStall(stream, frame, gone.signal));
    lastWrite.catch(() => {});
    return lastWrite;
  };
  try {
    const frame = await reader.readFrame(maxRequestBytes, { signal: arrival.signal, onBytes: () => arrival.touch() });
    arrival.clear();
    await answer(expectData(frame), push, gone.signal);
    await lastWrite;
    await writeFrame(stream, FrameTag.end, new Uint8Array(0), { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) await writeError(stream, error, gone.signal);
  } finally {
    arrival.clear();
  }
  await hangUpGently(stream, gone.signal);
}

/** Answers without reading the request. Never throws. */
export async function refuseStream(stream: Stream, error: NetworkError): Promise<void> {
  const gone = new AbortController();
  stream.addEventListener("close", () => gone.abort());
  // Attached so that what the peer sends does not pile up unread.
  stream.addEventListener("message", () => {});
  await writeError(stream, error, gone.signal);
  await hangUpGently(stream, gone.signal);
}

async function writeError(stream: Stream, error: unknown, gone: AbortSignal): Promise<void> {
  await writeFrame(stream, FrameTag.error, encodeError(error), { signal: AbortSignal.any([gone, AbortSignal.timeout(lingerMs)]) }).catch(
    () => {},
  );
}

/** One data frame; a peer that takes nothing for a while loses the stream. */
async function writeWithoutStall(stream: Stream, frame: Uint8Array, gone: AbortSignal): Promise<void> {
  const stall = new Deadline({ what: "sending an answer", signal: gone, idleTimeoutMs: streamLimits.writeStallMs.value });
  stall.signal.addEventListener("abort", () => {
    if (!gone.aborted) stream.abort(new Error("the peer does not take its answer"));
  });
  stall.touch();
  try {
    await writeFrame(stream, FrameTag.data, frame, { signal: stall.signal, onBytes: () => stall.touch() });
  } finally {
    stall.clear();
  }
}

/** Closes our side, and the whole stream if the peer has not closed its side soon after. */
async function hangUpGently(stream: Stream, gone: AbortSignal): Promise<void> {
  await stream.close({ signal: AbortSignal.any([gone, AbortSignal.timeout(lingerMs)]) }).catch(() => {});
  if (gone.aborted) return;
  const timer = setTimeout(() => stream.abort(new Error("the peer did not close the stream")), lingerMs);
  gone.addEventListener("abort", () => clearTimeout(timer), { once: true });
}

function expectData(frame: Frame): Uint8Array {
  if (frame.tag === FrameTag.data) return frame.body;
  if (frame.tag === FrameTag.error) throw decodeError(frame.body);
  throw new NetworkError("malformed", "the peer ended the exchange without an answer");
}

function encodeError(error: unknown): Uint8Array {
  const code = error instanceof NetworkError && wireCodes.includes(error.code) ? error.code : "remote-error";
  return new TextEncoder().encode(`${code}\n${errorText(error)}`);
}

function decodeError(body: Uint8Array): NetworkError {
  const text = new TextDecoder().decode(body);
  const cut = text.indexOf("\n");
  const code = wireCodes.find((known) => known === text.slice(0, cut)) ?? "remote-error";
  return new NetworkError(code, `the peer answered with an error: ${text.slice(cut + 1)}`);
}
