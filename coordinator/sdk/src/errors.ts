/** Why a coordinator refused or could not be asked. Callers branch on the code, people read the message. */
export type CoordinatorErrorCode =
  /** The session is in no slot of the running epoch, or has not joined. */
  | "not-member"
  /** The state machine refused the call; `machineCode` says why. */
  | "refused"
  /** The owner was ejected from this run. */
  | "ejected"
  /** Only an administrator of the run may do this. */
  | "not-allowed"
  /** The owner's grant does not cover this session, peer or time. */
  | "bad-grant"
  /** A signature does not verify. */
  | "bad-signature"
  /** A signed request was seen before, or its sequence number is too old. */
  | "replayed"
  /** A signed request was made too long ago, or the two clocks disagree. */
  | "stale"
  | "wrong-run"
  /** Bytes that do not parse, or a field outside its bounds. */
  | "malformed"
  /** A bounded table of the coordinator is full. */
  | "overloaded"
  /** No connection to the coordinator, or it hung up. */
  | "unreachable"
  | "timeout"
  /** The caller's AbortSignal fired. */
  | "aborted"
  /** The coordinator lost the run's state, or has an old copy of it: it is behind what this client knows. */
  | "state-lost"
  /** Where the coordinator was, another one answers. */
  | "wrong-key"
  /** `close()` or `stop()` was called. */
  | "closed"
  /** The coordinator failed in a way that it did not foresee. */
  | "internal";

/** Codes that may cross the wire; anything else becomes `internal`. */
export const WIRE_ERROR_CODES: readonly CoordinatorErrorCode[] = [
  "not-member",
  "refused",
  "ejected",
  "not-allowed",
  "bad-grant",
  "bad-signature",
  "replayed",
  "stale",
  "wrong-run",
  "malformed",
  "overloaded",
  "closed",
  "internal",
];

/** The one error class of the coordinator's clients, core and server. */
export class CoordinatorError extends Error {
  readonly code: CoordinatorErrorCode;
  /** the state machine's own code; only with `refused` */
  readonly machineCode: string | null;

  constructor(code: CoordinatorErrorCode, message: string, options: { cause?: unknown; machineCode?: string | null } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CoordinatorError";
    this.code = code;
    this.machineCode = options.machineCode ?? null;
  }
}

/** Refusals that trying again does not change. */
const FINAL: ReadonlySet<CoordinatorErrorCode> = new Set(["ejected", "bad-grant", "wrong-run", "malformed", "closed"]);

/** True for a refusal that stays one however often the call is made: whoever retries must stop, and say why. */
export function isFinalRefusal(error: unknown): error is CoordinatorError {
  return error instanceof CoordinatorError && FINAL.has(error.code);
}
