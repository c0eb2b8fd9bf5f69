/** Why a network operation failed. Callers branch on the code, people read the message. */
export type NetworkErrorCode =
  /** This peer is not a member and not pinned; nothing was sent. */
  | "not-a-member"
  /** No address, no connection, or the other side hung up. */
  | "unreachable"
  /** The other side refused us: we are not on its list, or it does not speak the protocol. */
  | "refused"
  /** A message, request, response or frame is over its limit. */
  | "too-large"
  /** Bytes that do not parse. */
  | "malformed"
  /** No answer, or not a single byte of one, in the allowed time. */
  | "timeout"
  /** The caller's AbortSignal fired. */
  | "aborted"
  /** The other side's handler failed; its message is in ours. */
  | "remote-error"
  /** `stop()` was called on this network. */
  | "stopped"
  /** A signed request was made for another domain or another run. */
  | "wrong-audience"
  /** A signature does not verify. */
  | "bad-signature"
  /** A signed request was seen before, or its sequence number is too old. */
  | "replayed"
  /** A signed request's clock is too far from ours. */
  | "stale"
  /** A bounded table is full. */
  | "overloaded";

/** The one error class of the transport. `cause` holds what the layer below threw. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "NetworkError";
    this.code = code;
  }
}

export type BlobErrorCode =
  /** Every provider answered that it does not hold the blob. */
  | "not-found"
  /** A provider's bytes do not hash to the address, and no other provider had them. */
  | "wrong-chunk"
  /** The last providers left sent nothing for longer than the stall timer. */
  | "stalled"
  /** The blob is over the caller's or the store's byte limit. */
  | "too-large"
  /** The list of providers is empty. */
  | "no-providers"
  /** The last providers left could not be reached or refused us. */
  | "unreachable"
  | "aborted";

export class BlobError extends Error {
  readonly code: BlobErrorCode;

  constructor(code: BlobErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "BlobError";
    this.code = code;
  }
}

/** The text of anything thrown, cut to `maxChars`, for messages that cross the wire. */
export function errorText(error: unknown, maxChars = 256): string {
  const text = textOf(error);
  return text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
}

/** libp2p rejects with the event that ended a wait: with what that event carries, or with its name. */
function textOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (!(error instanceof Event)) return String(error);
  const { error: cause } = error as { error?: unknown };
  return cause === undefined || cause === null ? `the connection ended (${error.type})` : textOf(cause);
}

/** What happens to an error in a handler when the host gave no `onError`: it ends the process, loudly. */
export function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
