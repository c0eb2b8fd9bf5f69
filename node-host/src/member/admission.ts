/** Waits until a wallet may join its run. What may change by itself is waited for; what never will ends the daemon with a sentence. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "@solana/kit";
import { ChainError } from "@starling/sdk/solana/chainError";
import type { Chain } from "../chain/chain.ts";
import { joinRight } from "../chain/joinRights.ts";
import { readJoinFacts } from "../chain/readJoinFacts.ts";
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
  let said = "";
  const say = (reason: string): void => {
    if (reason !== said) log({ type: "warning", message: `${reason}; waits, and looks again every ${LOOK_EVERY_MS / 1000} s` });
    said = reason;
  };
  for (;;) {
    try {
      const right = joinRight(await readJoinFacts(chain, runId, owner, authorizer));
      if (right.mayJoin) {
        if (right.note !== null) log({ type: "warning", message: right.note });
        return;
      }
      if (!right.mayLater) throw new HostError("refused", right.reason);
      say(right.reason);
    } catch (error) {
      if (chain.signal.aborted || !isPassing(error)) throw error;
      say((error as Error).message);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: chain.signal });
  }
}

/** No node answers for the moment, or the run or the program are not there yet. */
function isPassing(error: unknown): boolean {
  if (error instanceof ChainError) return error.code === "unreachable" || error.code === "rpc";
  return error instanceof HostError && error.code === "chain";
}
