export type EvaluateErrorCode =
  /** a file that is not JSON lines of a layout that is known */
  "bad-task";

/** A task that cannot be asked. The message names the file, the line, what was expected and what came. */
export class EvaluateError extends Error {
  override readonly name = "EvaluateError";
  readonly code: EvaluateErrorCode;

  constructor(code: EvaluateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
