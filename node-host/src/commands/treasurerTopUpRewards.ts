/** `starling treasurer-top-up-rewards`: tokens from the wallet to the run's treasury, out of which points are paid. */
import type { OptionsOf, treasurerTopUpRewardsOptions } from "@starling/config";
import { formatAmount, parseAmount } from "@starling/sdk/actions/amounts";
import { requireRunHead } from "@starling/sdk/actions/run";
import { topUp } from "@starling/sdk/actions/topUp";
import { requireMint, requireTreasury } from "@starling/sdk/actions/treasury";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function treasurerTopUpRewards(options: OptionsOf<typeof treasurerTopUpRewardsOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const { runId } = options;
  return withChain(options, async (chain) => {
    // before the amount is read: without a treasury there are no decimals to read it by
    const { address, account } = await requireRunHead(chain, runId);
    const treasury = await requireTreasury(chain, runId, address, account.mainAuthority);
    const { decimals } = await requireMint(chain, treasury.account.mint);
    const moved = await topUp(chain, wallet, { runId, units: parseAmount(options.collateralAmount, decimals, "--collateral-amount") });
    const tokens = (units: bigint): string => formatAmount(units, decimals);
    print(options.json, moved, [
      `moved ${tokens(moved.units)} tokens to the treasury of run ${runId}; it holds ${tokens(moved.vaultUnits)}`,
    ]);
    return EXIT_CODES.ok;
  });
}
