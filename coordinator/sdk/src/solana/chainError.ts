/** Why something on chain was not done, or could not be asked. Callers branch on the code, people read the message. */
export type ChainErrorCode =
  /** A value that fits no instruction: nothing was sent. */
  | "bad-argument"
  /** No account at that address. */
  | "not-found"
  /** An account of another program, kind, version or run than expected. */
  | "wrong-account"
  /** A program refused; `program` and `programError` say which and why. Nothing changed. */
  | "rejected"
  /** The fee payer has too few lamports. */
  | "unfunded"
  /** The transaction was sent, and its blockhash expired without it: it was not carried out, and never will be. */
  | "expired"
  /** The transaction was sent; nobody could say in time whether it was carried out. Look before sending again. */
  | "unknown"
  /** No RPC node answers. */
  | "unreachable"
  /** A node answered with an error, or with what it must not. */
  | "rpc"
  | "aborted"
  | "closed";

/** A refusal of a program, by the name and number in its list of errors. */
export interface ProgramRefusal {
  /** "coordinator", "authorizer", "treasurer", or the address of another program */
  program: string;
  number: number;
  /** "" when the program's list does not have the number */
  name: string;
  message: string;
}

export class ChainError extends Error {
  readonly code: ChainErrorCode;
  /** with `rejected`, where a program said why */
  readonly refusal: ProgramRefusal | null;
  /** of the transaction, where one was sent */
  readonly signature: string | null;

  constructor(
    code: ChainErrorCode,
    message: string,
    options: { cause?: unknown; refusal?: ProgramRefusal | null; signature?: string | null } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ChainError";
    this.code = code;
    this.refusal = options.refusal ?? null;
    this.signature = options.signature ?? null;
  }
}
