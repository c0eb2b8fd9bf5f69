export type HostErrorCode =
  | "bad-option"
  | "no-adapter"
  | "port-in-use"
  | "coordinator-unreachable"
  | "data"
  | "child-died"
  | "engine"
  | "identity"
  /** another process holds the keys */
  | "identity-in-use"
  | "no-loss"
  | "wrong-arithmetic"
  /** the run will never take this client: finished, or its owner was ejected */
  | "refused"
  /** a cluster refused a transaction, or did not answer */
  | "chain"
  /** a transaction was sent, and nobody can say what became of it */
  | "chain-unknown";

/** What stops a command. The message is the sentence the operator reads. */
export class HostError extends Error {
  readonly code: HostErrorCode;
  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HostError";
    this.code = code;
  }
}

/** Exit codes of every verb; documented in docs/commands.md. */
export const EXIT_CODES = {
  ok: 0,
  failed: 1,
  usage: 2,
  noAdapter: 3,
  unreachable: 4,
  wrongArithmetic: 5,
  refused: 6,
  unknownOutcome: 7,
} as const;

/** Whether a process that ended with `code` may do better when it is started again: options and drivers do not change by themselves. */
export function isWorthRestarting(code: number): boolean {
  return code !== EXIT_CODES.usage && code !== EXIT_CODES.noAdapter && code !== EXIT_CODES.wrongArithmetic && code !== EXIT_CODES.refused;
}

/** Errors of other rooms that another try with the same options meets again. By name: importing their classes would load libp2p. */
const WRONGLY_ASKED: Readonly<Record<string, readonly string[]>> = {
  ChainError: ["bad-argument"],
  GenerateError: ["bad-prompt", "bad-setting"],
  EvaluateError: ["bad-task"],
  ParallelError: ["indivisible", "too-few-devices", "unsupported"],
  TrainError: ["unsupported"],
};

export function exitCodeOf(error: unknown): number {
  // a folder that cannot be read now may be readable later; the rest is the operator's
  const { name, code } = error as { name?: string; code?: string };
  if (name === "ServerError" && code !== "storage") return EXIT_CODES.usage;
  if ((name === "ChainError" || name === "CoordinatorError") && code === "unreachable") return EXIT_CODES.unreachable;
  if (name === "ChainError" && code === "unknown") return EXIT_CODES.unknownOutcome;
  if (name !== undefined && code !== undefined && WRONGLY_ASKED[name]?.includes(code)) return EXIT_CODES.usage;
  if (!(error instanceof HostError)) return EXIT_CODES.failed;
  switch (error.code) {
    case "bad-option":
      return EXIT_CODES.usage;
    case "no-adapter":
      return EXIT_CODES.noAdapter;
    case "coordinator-unreachable":
      return EXIT_CODES.unreachable;
    case "wrong-arithmetic":
      return EXIT_CODES.wrongArithmetic;
    case "refused":
      return EXIT_CODES.refused;
    case "chain-unknown":
      return EXIT_CODES.unknownOutcome;
    case "data":
    case "port-in-use":
    case "child-died":
    case "engine":
    case "identity":
    case "identity-in-use":
    case "no-loss":
    case "chain":
      return EXIT_CODES.failed;
  }
}
