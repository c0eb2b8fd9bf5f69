/** Waits until a wallet may join its run. What may change by itself is waited for; what never will ends the daemon with a sentence. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "@solana/kit";
import { ChainError } from "@starling/sdk/solana/chainError";
import type { Chain } from "@starling/sdk/actions/chain";
import { joinRight } from "@starling/sdk/actions/joinRights";
import { readJoinFacts } from "@starling/sdk/actions/readJoinFacts";
import { hostErrorOf, withAdvice } from "../chain/actionFailure.ts";
import { HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";

const LOOK_EVERY_MS = 10_000;

export interface Applicant {
  runId: string;
  owner: Address;
  authorizer: Address | undefined;
}

/** Resolves when it may. Errors: HostError refused; whatever aborts `chain.signal`. */
export async function waitToBeAdmitted(chain: Chain, { runId, owner, authorizer }: Applicant, log: HostLog): Promise<void> {
  await patiently(chain, log, async () => {
    const right = joinRight(await readJoinFacts(chain, runId, owner, authorizer));
    if (!right.mayJoin) throw new HostError(right.mayLater ? "chain" : "refused", withAdvice(right.reason, right.advice));
    if (right.note !== null) log({ type: "warning", message: right.note });
  });
}

/** Does it until it works, saying once what is in the way. Errors: those that time does not mend; whatever aborts `chain.signal`. */
export async function patiently(chain: Chain, log: HostLog, work: () => Promise<void>): Promise<void> {
  let said = "";
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      const error = hostErrorOf(thrown);
      if (chain.signal.aborted || !isPassing(error)) throw error;
      const { message } = error as Error;
      if (message !== said) log({ type: "warning", message: `${message}; waits, and tries again every ${LOOK_EVERY_MS / 1000} s` });
      said = message;
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: chain.signal });
  }
}

/** No node answers for the moment, the run or the program are not there yet, or the wallet holds too little. */
const PASSING: ReadonlySet<string> = new Set(["unreachable", "rpc", "unfunded", "expired", "unknown"]);

function isPassing(error: unknown): boolean {
  if (error instanceof ChainError) return PASSING.has(error.code);
  return error instanceof HostError && (error.code === "chain" || error.code === "chain-unknown");
}
