/** After its run is closed, what a treasury still holds goes back to the run's creator. */
import type { Address, TransactionSigner } from "@solana/kit";
import { runAddresses } from "../solana/pdas.ts";
import { createTokenAccount } from "../solana/tokens.ts";
import { withdrawSurplus as withdrawSurplusInstruction } from "../solana/treasury.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import { requireMint, requireTreasury, treasuryFacts, unitsOf } from "./treasury.ts";

export interface Withdrawn {
  runId: string;
  units: bigint;
  mint: Address;
  decimals: number;
  tokenAccount: Address;
  signature: string;
}

/** Errors: ActionError not-found, not-allowed, wrong-state (the run is not closed), unknown-outcome, cancelled; ChainError. */
export async function withdrawSurplus(chain: Chain, wallet: TransactionSigner, { runId }: { runId: string }): Promise<Withdrawn> {
  const at = await runAddresses(chain.programs, runId);
  const treasury = await requireTreasury(chain, runId, at.run, null);
  const { mainAuthority, closed } = treasury.account;
  if (mainAuthority !== wallet.address)
    throw new ActionError(
      "not-allowed",
      `the treasury of run ${runId} belongs to ${mainAuthority}; the wallet is ${wallet.address}: use that key`,
    );
  if (closed === 0)
    throw new ActionError("wrong-state", `run ${runId} is not closed, and its members may still claim`, { advice: "close-run" });
  const mint = await requireMint(chain, treasury.account.mint);
  const { vaultUnits } = await treasuryFacts(chain, treasury);
  const own = await unitsOf(chain, wallet.address, mint);
  const instructions = [
    ...(own.units === null ? [createTokenAccount({ payer: wallet, ata: own.address, owner: wallet.address, ...mint })] : []),
    await withdrawSurplusInstruction(at, wallet, mint),
  ];
  const signature = await chain.send(instructions, wallet, "withdraw the surplus");
  return { runId, units: vaultUnits, mint: mint.mint, decimals: mint.decimals, tokenAccount: own.address, signature };
}
