/** A grant that is gone ends memberships only when someone tells the coordinator: this does, for every member that joined by it. */
import type { Address, TransactionSigner } from "@solana/kit";
import { enforceGrant as enforceGrantInstruction } from "@starling/sdk/solana/instructions";
import type { Chain } from "./chain.ts";
import { progress } from "./print.ts";
import { listMembers, listRuns, requireRun } from "./run.ts";

export interface EndedMembership {
  runId: string;
  owner: Address;
}

/** In run `runId`, or in all runs whose join authority this is. Errors: HostError, ChainError. */
export async function enforceGrant(
  chain: Chain,
  by: { grant: Address; joinAuthority: Address; runId: string | undefined },
  payer: TransactionSigner,
): Promise<EndedMembership[]> {
  const runs =
    by.runId === undefined
      ? (await listRuns(chain)).filter((run) => run.account.joinAuthority === by.joinAuthority)
      : [await requireRun(chain, by.runId)];
  const ended: EndedMembership[] = [];
  for (const run of runs) {
    for (const { owner, grant } of await listMembers(chain, run)) {
      if (grant !== by.grant) continue;
      await chain.send([await enforceGrantInstruction(run.at, owner, grant)], payer, `end the membership of ${owner}`);
      progress(`${owner} leaves run ${run.runId} at the end of the epoch`);
      ended.push({ runId: run.runId, owner });
    }
  }
  return ended;
}
