export type ProtocolErrorCode =
  /** The bytes end before the message does. */
  | "truncated"
  /** Bytes follow the message. */
  | "trailing-bytes"
  /** A list, string or byte field is over its limit. */
  | "too-long"
  /** A value outside its field's range, or not in canonical form. */
  | "bad-value"
  /** The message is of another version of the protocol. */
  | "unknown-version"
  /** The message is of a kind this version does not have. */
  | "unknown-tag";

/** Bytes that are not the message they should be, or a value that cannot be encoded. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ProtocolError";
    this.code = code;
  }
}
