/** `starling withdraw-surplus`: after close-run, what the treasury still holds goes back to the run's creator. */
import type { OptionsOf, withdrawSurplusOptions } from "@starling/config";
import { formatAmount } from "@starling/sdk/actions/amounts";
import { withdrawSurplus as withdraw } from "@starling/sdk/actions/withdrawSurplus";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function withdrawSurplus(options: OptionsOf<typeof withdrawSurplusOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const { runId, units, decimals, tokenAccount, signature } = await withdraw(chain, wallet, options);
    print(options.json, { runId, units, decimals, tokenAccount, signature }, [
      `${formatAmount(units, decimals)} tokens went to ${tokenAccount}; vault and treasury are closed`,
    ]);
    return EXIT_CODES.ok;
  });
}
