export type ServerErrorCode =
  /** The saved state is not one that this version reads. */
  | "state-unreadable"
  /** The saved state is of another run, or of this run under another config. */
  | "state-mismatch"
  /** The run config is longer than clients accept. */
  | "config-too-large"
  /** The network key beside it cannot be read. */
  | "key-unreadable"
  /** Another server uses the folder. */
  | "in-use"
  /** The state could not be read from or written to its folder. */
  | "storage";

/** Why the server could not start, or could not keep its state. */
export class ServerError extends Error {
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServerError";
    this.code = code;
  }
}
