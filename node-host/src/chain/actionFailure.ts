/** What an action refused, in the words of a command: the one place where the sdk's ActionError becomes a HostError. */
import { ActionError, type ActionErrorCode, type Advice } from "@starling/sdk/actions/errors";
import { HostError, type HostErrorCode } from "../errors.ts";

const CODES: Readonly<Record<ActionErrorCode, HostErrorCode>> = {
  "bad-argument": "bad-option",
  "unknown-outcome": "chain-unknown",
  "not-found": "chain",
  "not-allowed": "chain",
  unfunded: "chain",
  "wrong-state": "chain",
  cancelled: "chain",
  "nothing-to-do": "chain",
  chain: "chain",
};

/** What to type next. */
const ADVICE: Readonly<Record<Advice, string>> = {
  "list-runs": "starling list-runs shows those there are",
  "update-config": "starling update-config comes first",
  pause: "use starling set-paused first, and wait until it is Paused",
  "close-run": "starling close-run comes first",
  "deposit-bond": "use starling deposit-bond",
  "open-session": "it is made when its daemon first opens a session (starling train)",
  "create-grant": "starling join-authorization-create, with that key, does it",
  "clear-delegates": "clear with --delegates-clear",
  claim: "use starling treasurer-claim-rewards",
  "withdraw-bond": "use starling withdraw-bond",
  "find-coordinator": "check --rpc, or name where it is with --coordinator-program-id",
  "find-authorizer": "check --rpc, or name where it is with --authorizer-program-id",
  "find-treasurer": "check --rpc, or name where it is with --treasurer-program-id",
};

/** A HostError for an ActionError; every other error as it is. */
export function hostErrorOf(error: unknown): unknown {
  if (!(error instanceof ActionError)) return error;
  return new HostError(CODES[error.code], withAdvice(error.message, error.advice), { cause: error });
}

export function withAdvice(message: string, advice: Advice | null): string {
  return advice === null ? message : `${message}: ${ADVICE[advice]}`;
}
