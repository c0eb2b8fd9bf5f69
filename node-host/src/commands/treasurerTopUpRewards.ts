/** `starling treasurer-top-up-rewards`: tokens from the wallet to the run's treasury, out of which points are paid. */
import type { OptionsOf, treasurerTopUpRewardsOptions } from "@starling/config";
import { runAddresses } from "@starling/sdk/solana/pdas";
import { topUp } from "@starling/sdk/solana/treasury";
import { formatAmount, parseAmount } from "@starling/sdk/actions/amounts";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { requireRun } from "@starling/sdk/actions/run";
import { requireMint, requireTreasury, treasuryFacts, unitsOf } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function treasurerTopUpRewards(options: OptionsOf<typeof treasurerTopUpRewardsOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const at = await runAddresses(chain.programs, options.runId);
    const { account } = await requireRun(chain, options.runId);
    const treasury = await requireTreasury(chain, options.runId, at.run, account.mainAuthority);
    const mint = await requireMint(chain, treasury.account.mint);
    const units = parseAmount(options.collateralAmount, mint.decimals, "--collateral-amount");
    if (units === 0n) throw new HostError("bad-option", "--collateral-amount 0: there is nothing to move");
    const own = await unitsOf(chain, wallet.address, mint);
    if (own.units === null || own.units < units) {
      throw new HostError(
        "chain",
        `${wallet.address} needs ${formatAmount(units, mint.decimals)} of token ${mint.mint} and has ${formatAmount(own.units ?? 0n, mint.decimals)} in its account ${own.address}`,
      );
    }
    const signature = await chain.send([await topUp(at, wallet, mint, units)], wallet, "top up the treasury");
    const { vault, vaultUnits, decimals } = await treasuryFacts(chain, treasury);
    print(
      options.json,
      { runId: options.runId, treasury: treasury.address, vault, mint: mint.mint, decimals, units, vaultUnits, signature },
      [
        `moved ${formatAmount(units, decimals)} tokens to the treasury of run ${options.runId}; it holds ${formatAmount(vaultUnits, decimals)}`,
      ],
    );
    return EXIT_CODES.ok;
  });
}
