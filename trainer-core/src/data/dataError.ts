export type DataErrorCode =
  /** the source has no file, or not one whole sequence */
  | "empty"
  /** a file is not what its name says: header, dtype, size */
  | "bad-file"
  /** a token lies outside the model's vocabulary */
  | "bad-token"
  /** the caller asked for a range that is not one */
  | "bad-request"
  /** the source could not be read, also after the retries */
  | "unreachable"
  /** an HTTP server that does not serve ranges, and a file too large to hold whole */
  | "range-unsupported"
  /** this kind of data location, or what the data hold, cannot be used here */
  | "unsupported"
  /** a data server does not give this client what it asked for */
  | "refused"
  /** the caller's signal fired, or the provider was closed */
  | "aborted";

/** What the data room throws, and nothing else. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly code: DataErrorCode;

  constructor(code: DataErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Throws `DataError("aborted")` if one of the signals has fired. */
export function throwIfAborted(...signals: readonly (AbortSignal | undefined)[]): void {
  const fired = signals.find((signal) => signal?.aborted);
  if (fired !== undefined) throw new DataError("aborted", "reading training data was aborted", fired.reason);
}
