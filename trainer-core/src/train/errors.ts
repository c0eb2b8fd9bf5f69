export type TrainErrorCode =
  | "bad-sequence"
  | "bad-label"
  | "too-many-sequences"
  | "no-targets"
  | "unsupported"
  | "bad-parameters"
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
