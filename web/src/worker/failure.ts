import type { FailureCode } from "./protocol.ts";

/** Why this tab does not train; the page shows the sentence, and by the code what can be done. */
export class TabError extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TabError";
    this.code = code;
  }
}

const BY_CLASS: Readonly<Record<string, FailureCode>> = {
  CoordinatorError: "coordinator",
  NetworkError: "coordinator",
  ChainError: "coordinator",
  DataError: "data",
  ConfigError: "unsupported",
  TrainError: "unsupported",
};

const BY_CODE: Readonly<Record<string, FailureCode>> = {
  "no-adapter": "adapter",
  "no-device": "adapter",
  wgsl: "adapter",
  validation: "adapter",
  "device-lost": "adapter",
  "engine-lost": "adapter",
  "wrong-arithmetic": "adapter",
  "too-large": "too-large",
  ejected: "refused",
  "bad-grant": "refused",
};

/** Errors of the rooms as the page knows them; their messages are sentences already. */
export function asTabError(error: unknown): TabError {
  if (error instanceof TabError) return error;
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  const known = (code !== undefined && BY_CODE[code]) || (name !== undefined && BY_CLASS[name]) || "internal";
  return new TabError(known, message ?? String(error), { cause: error });
}
