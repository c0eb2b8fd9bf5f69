import type { Address } from "@solana/kit";
import type { Chain } from "@starling/sdk/actions/chain";
import type { OnChainRun } from "@starling/sdk/actions/run";
import { findTreasury } from "@starling/sdk/actions/treasury";

/** Who may change a run: its main authority, or the creator of the treasury that is its main authority. Errors: ChainError. */
export async function authorityAddress(chain: Chain, run: OnChainRun): Promise<Address> {
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  return treasury?.account.mainAuthority ?? run.account.mainAuthority;
}
