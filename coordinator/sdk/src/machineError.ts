import { MACHINE_ERRORS } from "./generated/machineLayout.ts";

type ErrorNumber = keyof typeof MACHINE_ERRORS;
/** The machine's own names, and `BadArgument` for what does not even fit its types. */
export type MachineErrorCode = (typeof MACHINE_ERRORS)[ErrorNumber]["code"] | "BadArgument";

/** A call that the state machine refused. It changed nothing. */
export class MachineError extends Error {
  readonly code: MachineErrorCode;

  constructor(code: MachineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MachineError";
    this.code = code;
  }

  /** From an error number of the wasm module; `context` says which call, on what. */
  static fromNumber(number: number, context: string): MachineError {
    const known = (MACHINE_ERRORS as Record<number, { code: MachineErrorCode; sentence: string }>)[number];
    if (known === undefined) return new MachineError("BadArgument", `${context}: refused with the unknown error ${number}`);
    return new MachineError(known.code, `${context}: ${known.sentence} (${known.code})`);
  }
}
