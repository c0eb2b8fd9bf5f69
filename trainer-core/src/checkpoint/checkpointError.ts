export type CheckpointErrorCode =
  /** a file that a checkpoint needs is not there */
  | "missing-file"
  /** a file is not safetensors, JSON or what else it should be, or contradicts itself */
  | "bad-format"
  /** the tensors are not those of the model: missing, extra, of another shape or dtype, or not finite */
  | "wrong-model"
  /** the disk or quota is full; nothing half-written is left */
  | "no-space"
  /** reading or writing failed in another way; nothing half-written is left */
  | "io"
  | "aborted";

/** What the checkpoint room throws, and nothing else. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  readonly code: CheckpointErrorCode;

  constructor(code: CheckpointErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
