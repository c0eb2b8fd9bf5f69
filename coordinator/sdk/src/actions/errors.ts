/** Why an action was not done. Callers branch on the code, people read the message; what to do next is the host's to say. */
import type { Programs } from "../solana/pdas.ts";

export type ActionErrorCode =
  /** no such run, treasury, grant, member or session */
  | "not-found"
  /** another key's to do */
  | "not-allowed"
  /** a value that cannot be: nothing was sent */
  | "bad-argument"
  /** too few lamports or tokens */
  | "unfunded"
  /** the run is not in the state in which this can be done */
  | "wrong-state"
  /** a transaction was sent, and nobody could say in time what became of it: look before sending it again */
  | "unknown-outcome"
  /** its person did not approve it; what was sent before stays done */
  | "cancelled"
  | "nothing-to-do"
  /** the cluster is not as it should be */
  | "chain";

/** What would mend it: a command names its verb, a page shows a button. */
export type Advice =
  | "list-runs"
  | "update-config"
  | "pause"
  | "close-run"
  | "deposit-bond"
  | "open-session"
  | "create-grant"
  | "clear-delegates"
  | "claim"
  | "withdraw-bond"
  | `find-${keyof Programs}`;

export class ActionError extends Error {
  readonly code: ActionErrorCode;
  readonly advice: Advice | null;
  /** of the transaction whose outcome is unknown */
  readonly signature: string | null;

  constructor(code: ActionErrorCode, message: string, options: { cause?: unknown; advice?: Advice; signature?: string | null } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ActionError";
    this.code = code;
    this.advice = options.advice ?? null;
    this.signature = options.signature ?? null;
  }
}
