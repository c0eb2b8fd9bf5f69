export type GenerateErrorCode =
  /** the prompt is empty, holds tokens the model does not have, or leaves no room in the context */
  | "bad-prompt"
  | "bad-setting"
  | "aborted"
  /** logits are not finite: the model is broken */
  | "not-finite";

/** A text that cannot be continued or scored. The message says what was expected and what came. */
export class GenerateError extends Error {
  override readonly name = "GenerateError";
  readonly code: GenerateErrorCode;

  constructor(code: GenerateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
