/** `starling treasurer-claim-rewards`: pays what the wallet has earned in a run, as far as the treasury holds it. */
import type { OptionsOf, treasurerClaimRewardsOptions } from "@starling/config";
import { claimablePoints } from "@starling/sdk/solana/accounts";
import { claim, createParticipant } from "@starling/sdk/solana/treasury";
import { createTokenAccount } from "@starling/sdk/solana/tokens";
import { formatAmount } from "@starling/sdk/actions/amounts";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { findMember, requireRun } from "@starling/sdk/actions/run";
import { settleTables } from "@starling/sdk/actions/settle";
import { findParticipant, requireMint, requireTreasury, treasuryFacts, unitsOf } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function treasurerClaimRewards(options: OptionsOf<typeof treasurerClaimRewardsOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const treasury = await requireTreasury(chain, run.runId, run.address, run.account.mainAuthority);
    const mint = await requireMint(chain, treasury.account.mint);
    if ((await findMember(chain, run, wallet.address)) === null)
      throw new HostError(
        "chain",
        `${wallet.address} never was a member of run ${run.runId}: rewards go to the owner's wallet, the one whose key the daemon was given`,
      );
    await settleTables(chain, run, wallet, wallet.address);
    const member = (await findMember(chain, run, wallet.address))!;
    const claimable = claimablePoints(member);
    const { vaultUnits } = await treasuryFacts(chain, treasury);
    const points = claimable < vaultUnits ? claimable : vaultUnits;
    const own = await unitsOf(chain, wallet.address, mint);
    let signature: string | null = null;
    if (points > 0n) {
      const participant = await findParticipant(chain, treasury.address, wallet.address);
      const instructions = [
        ...(own.units === null ? [createTokenAccount({ payer: wallet, ata: own.address, owner: wallet.address, ...mint })] : []),
        ...(participant === null ? [await createParticipant(run.at, wallet, wallet.address)] : []),
        await claim(run.at, wallet, mint, points),
      ];
      signature = await chain.send(instructions, wallet, "claim rewards");
    }
    const after = await unitsOf(chain, wallet.address, mint);
    const tokens = (units: bigint): string => formatAmount(units, mint.decimals);
    const { earned, slashed } = member;
    const left = claimable - points;
    print(
      options.json,
      {
        runId: run.runId,
        owner: wallet.address,
        mint: mint.mint,
        decimals: mint.decimals,
        earned,
        slashed,
        claimedBefore: member.claimed,
        claimedUnits: points,
        leftUnits: left,
        tokenAccount: own.address,
        balanceUnits: after.units ?? 0n,
        signature,
      },
      [
        points > 0n
          ? `claimed ${tokens(points)} tokens; ${own.address} holds ${tokens(after.units ?? 0n)}`
          : claimable > 0n
            ? `the treasury is empty: ${tokens(claimable)} tokens stay claimable until it is topped up`
            : `nothing to claim: ${wallet.address} earned ${tokens(earned)}, lost ${tokens(slashed)}, and claimed ${tokens(member.claimed)} before`,
        ...(points > 0n && left > 0n ? [`${tokens(left)} more stay claimable: the treasury held no more`] : []),
      ],
    );
    return EXIT_CODES.ok;
  });
}
