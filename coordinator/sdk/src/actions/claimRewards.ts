/** Pays what the wallet has earned in a run, as far as its treasury holds it; the token account is made where there is none. */
import type { Address, TransactionSigner } from "@solana/kit";
import { claimablePoints } from "../solana/accounts.ts";
import { settle } from "../solana/instructions.ts";
import { createTokenAccount } from "../solana/tokens.ts";
import { claim, createParticipant } from "../solana/treasury.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { findMember, requireRun, unsettledSlots } from "./run.ts";
import { settleTables } from "./settle.ts";
import { findParticipant, requireMint, requireTreasury, treasuryFacts, unitsOf } from "./treasury.ts";

export interface Claimed {
  runId: string;
  owner: Address;
  mint: Address;
  decimals: number;
  /** points; 1 point is 1 base unit of the mint */
  earned: bigint;
  slashed: bigint;
  claimedBefore: bigint;
  claimedUnits: bigint;
  /** stays claimable: the treasury holds no more */
  leftUnits: bigint;
  tokenAccount: Address;
  /** of the token account, afterwards */
  balanceUnits: bigint;
  /** null: there was nothing to claim, or the treasury is empty */
  signature: string | null;
}

/** Errors: ActionError not-found: no such run, no treasury, never a member; unfunded, unknown-outcome, cancelled; ChainError. */
export async function claimRewards(chain: Chain, wallet: TransactionSigner, { runId }: { runId: string }, tell?: Tell): Promise<Claimed> {
  const run = await requireRun(chain, runId);
  const treasury = await requireTreasury(chain, runId, run.address, run.account.mainAuthority);
  const mint = await requireMint(chain, treasury.account.mint);
  if ((await findMember(chain, run, wallet.address)) === null)
    throw new ActionError(
      "not-found",
      `${wallet.address} never was a member of run ${runId}: rewards go to the owner's wallet, the one whose key the daemon was given`,
    );
  const slots = unsettledSlots(run).filter((slot) => slot.isDue && slot.owner === wallet.address);
  // what is only earned is booked in the claim's own transaction; what a slashing leaves, the program says
  const isPlain = slots.every(({ slashed }) => slashed === 0n);
  if (!isPlain)
    await settleTables(chain, run, wallet, wallet.address, () => tell?.({ step: 1, of: 2, text: "booking the points of the last epoch" }));
  const due = isPlain ? slots : [];
  const member = (await findMember(chain, run, wallet.address))!;
  const earned = due.reduce((sum, slot) => sum + slot.earned, member.earned);
  const claimable = claimablePoints({ ...member, earned });
  const { vaultUnits } = await treasuryFacts(chain, treasury);
  const points = claimable < vaultUnits ? claimable : vaultUnits;
  const own = await unitsOf(chain, wallet.address, mint);
  let signature: string | null = null;
  if (points > 0n) {
    const steps = isPlain ? 1 : 2;
    tell?.({ step: steps, of: steps, text: "claiming" });
    const participant = await findParticipant(chain, treasury.address, wallet.address);
    const instructions = [
      ...(await Promise.all(due.map(({ table, slot }) => settle(run.at, table, [{ slot, owner: wallet.address }])))),
      ...(own.units === null ? [createTokenAccount({ payer: wallet, ata: own.address, owner: wallet.address, ...mint })] : []),
      ...(participant === null ? [await createParticipant(run.at, wallet, wallet.address)] : []),
      await claim(run.at, wallet, mint, points),
    ];
    signature = await chain.send(instructions, wallet, "claim rewards");
  }
  const after = await unitsOf(chain, wallet.address, mint);
  return {
    ...{ runId, owner: wallet.address, mint: mint.mint, decimals: mint.decimals },
    ...{ earned, slashed: member.slashed, claimedBefore: member.claimed },
    ...{ claimedUnits: points, leftUnits: claimable - points, tokenAccount: own.address, balanceUnits: after.units ?? 0n, signature },
  };
}
