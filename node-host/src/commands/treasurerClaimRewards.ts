/** `starling treasurer-claim-rewards`: pays what the wallet has earned in a run, as far as the treasury holds it. */
import type { OptionsOf, treasurerClaimRewardsOptions } from "@starling/config";
import { formatAmount } from "@starling/sdk/actions/amounts";
import { claimRewards } from "@starling/sdk/actions/claimRewards";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function treasurerClaimRewards(options: OptionsOf<typeof treasurerClaimRewardsOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const claimed = await claimRewards(chain, wallet, options);
    const { owner, decimals, earned, slashed, claimedBefore, claimedUnits, leftUnits, tokenAccount, balanceUnits } = claimed;
    const tokens = (units: bigint): string => formatAmount(units, decimals);
    print(options.json, claimed, [
      claimedUnits > 0n
        ? `claimed ${tokens(claimedUnits)} tokens; ${tokenAccount} holds ${tokens(balanceUnits)}`
        : leftUnits > 0n
          ? `the treasury is empty: ${tokens(leftUnits)} tokens stay claimable until it is topped up`
          : `nothing to claim: ${owner} earned ${tokens(earned)}, lost ${tokens(slashed)}, and claimed ${tokens(claimedBefore)} before`,
      ...(claimedUnits > 0n && leftUnits > 0n ? [`${tokens(leftUnits)} more stay claimable: the treasury held no more`] : []),
    ]);
    return EXIT_CODES.ok;
  });
}
