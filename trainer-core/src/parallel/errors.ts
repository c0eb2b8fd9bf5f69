export type ParallelErrorCode = "indivisible" | "too-few-devices" | "unsupported";

/** A model that cannot be spread as was asked. The message says which numbers would do. */
export class ParallelError extends Error {
  readonly code: ParallelErrorCode;
  constructor(code: ParallelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ParallelError";
    this.code = code;
  }
}
