export type TrainErrorCode =
  | "bad-sequence"
  | "bad-label"
  | "too-many-sequences"
  | "no-targets"
  | "not-finite"
  | "unsupported"
  | "bad-parameters"
  /** the engine holds a part of the model, and was asked for something of the whole */
  | "part-only"
  | "engine-lost"
  | "wrong-arithmetic";

/** A batch, model or run config that cannot be trained on, or an engine that is lost too often. The message says what was expected and what came. */
export class TrainError extends Error {
  readonly code: TrainErrorCode;
  constructor(code: TrainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TrainError";
    this.code = code;
  }
}
