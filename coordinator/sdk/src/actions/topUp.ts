/** Tokens from the wallet to a run's treasury, out of which points are paid. */
import type { Address, TransactionSigner } from "@solana/kit";
import { topUp as topUpInstruction } from "../solana/treasury.ts";
import { formatAmount } from "./amounts.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import { requireRunHead } from "./run.ts";
import { requireMint, requireTreasury, treasuryFacts, unitsOf } from "./treasury.ts";

export interface ToppedUp {
  runId: string;
  treasury: Address;
  vault: Address;
  mint: Address;
  decimals: number;
  units: bigint;
  /** what the vault holds afterwards */
  vaultUnits: bigint;
  signature: string;
}

/** Errors: ActionError not-found (no run, no treasury), nothing-to-do, unfunded, unknown-outcome, cancelled; ChainError. */
export async function topUp(
  chain: Chain,
  wallet: TransactionSigner,
  { runId, units }: { runId: string; units: bigint },
): Promise<ToppedUp> {
  const { at, account } = await requireRunHead(chain, runId);
  const treasury = await requireTreasury(chain, runId, at.run, account.mainAuthority);
  const mint = await requireMint(chain, treasury.account.mint);
  if (units === 0n) throw new ActionError("nothing-to-do", "there is nothing to move: the amount is 0");
  const own = await unitsOf(chain, wallet.address, mint);
  if (own.units === null || own.units < units) {
    const has = formatAmount(own.units ?? 0n, mint.decimals);
    throw new ActionError(
      "unfunded",
      `${wallet.address} needs ${formatAmount(units, mint.decimals)} of token ${mint.mint} and has ${has} in its account ${own.address}`,
    );
  }
  const signature = await chain.send([await topUpInstruction(at, wallet, mint, units)], wallet, "top up the treasury");
  const { vault, vaultUnits, decimals } = await treasuryFacts(chain, treasury);
  return { runId, treasury: treasury.address, vault, mint: mint.mint, decimals, units, vaultUnits, signature };
}
