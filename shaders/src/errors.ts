export type ShaderErrorCode = "storage";

/** A kernel that was asked for in a way it cannot be had. The message says what was asked and what to do instead. */
export class ShaderError extends Error {
  readonly code: ShaderErrorCode;
  constructor(code: ShaderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ShaderError";
    this.code = code;
  }
}
