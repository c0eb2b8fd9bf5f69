/** Points move from a run's epoch tables to their owners' accounts. Anyone may do it; a slot that is settled is not settled twice. */
import type { Address, TransactionSigner } from "@solana/kit";
import { settle } from "../solana/instructions.ts";
import { CHAIN_LIMITS } from "../solana/limits.ts";
import type { Chain } from "./chain.ts";
import { unsettledSlots, type OnChainRun } from "./run.ts";

/**
 * Settles what can be settled now; of `owner` only, where one is named. `begin` is called before each transaction.
 * Resolves to the number of slots. Errors: ActionError, ChainError.
 */
export async function settleTables(
  chain: Chain,
  run: OnChainRun,
  payer: TransactionSigner,
  owner?: Address,
  begin?: () => void,
): Promise<number> {
  const slots = unsettledSlots(run).filter((slot) => slot.isDue && (owner === undefined || slot.owner === owner));
  for (const table of [0, 1] as const) {
    const due = slots.filter((slot) => slot.table === table).map((found) => ({ slot: found.slot, owner: found.owner }));
    for (let at = 0; at < due.length; at += CHAIN_LIMITS.settleSlots) {
      const some = due.slice(at, at + CHAIN_LIMITS.settleSlots);
      begin?.();
      await chain.send(
        [await settle(run.at, table, some)],
        payer,
        `book the points of ${some.length} ${some.length === 1 ? "member" : "members"}`,
      );
    }
  }
  return slots.length;
}
