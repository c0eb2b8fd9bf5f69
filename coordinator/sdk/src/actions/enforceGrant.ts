/** A grant that is gone ends memberships only when someone tells the coordinator: this does, for every member that joined by it. */
import type { Address, TransactionSigner } from "@solana/kit";
import { enforceGrant as enforceGrantInstruction } from "../solana/instructions.ts";
import { ChainError } from "../solana/chainError.ts";
import type { Chain } from "./chain.ts";
import type { Tell } from "./progress.ts";
import { listMembers, listRuns, ownerOf, requireRun, type OnChainRun } from "./run.ts";

export interface EndedMembership {
  runId: string;
  owner: Address;
}

/** In run `runId`, or in all runs whose join authority this is. Errors: ActionError, ChainError. */
export async function enforceGrant(
  chain: Chain,
  by: { grant: Address; joinAuthority: Address; runId: string | undefined },
  payer: TransactionSigner,
  tell?: Tell,
): Promise<EndedMembership[]> {
  const runIds =
    by.runId === undefined
      ? (await listRuns(chain)).filter((run) => run.account.joinAuthority === by.joinAuthority).map((run) => run.runId)
      : [by.runId];
  const ended: EndedMembership[] = [];
  for (const runId of runIds) {
    const run = await requireRun(chain, runId);
    const present = new Set(membersOf(run));
    for (const { owner, grant } of await listMembers(chain, run)) {
      if (grant !== by.grant || !present.has(owner)) continue;
      try {
        await chain.send([await enforceGrantInstruction(run.at, owner, grant)], payer, `end the membership of ${owner}`);
      } catch (error) {
        // it left in the meantime
        if (error instanceof ChainError && error.refusal?.name === "NotMember") continue;
        throw error;
      }
      ended.push({ runId, owner });
      tell?.({ step: ended.length, of: null, text: `${owner} leaves run ${runId} at the end of the epoch` });
    }
  }
  return ended;
}

/** Owners who wait for the next epoch, or stay for it. */
function membersOf({ state }: OnChainRun): Address[] {
  const staying = state?.clients.filter(({ carried }) => carried) ?? [];
  return [...staying, ...(state?.pending ?? [])].map(ownerOf);
}
