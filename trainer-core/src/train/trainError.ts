export type TrainErrorCode = "unsupported" | "bad-batch" | "bad-parameters";

/** What the engine was asked for and cannot do; the message says what to do instead. */
export class TrainError extends Error {
  readonly code: TrainErrorCode;
  constructor(code: TrainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TrainError";
    this.code = code;
  }
}
