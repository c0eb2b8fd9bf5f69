/** `starling close-run`: ends a halted run for good. Points are settled first, and the accounts' rent comes back to the wallet. */
import type { OptionsOf, closeRunOptions } from "@starling/config";
import { formatSol } from "@starling/sdk/actions/amounts";
import { closeRun as close } from "@starling/sdk/actions/closeRun";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function closeRun(options: OptionsOf<typeof closeRunOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const { runId, unclaimedPoints, settledSlots, returnedLamports, hasTreasury, signature } = await close(chain, wallet, options);
    print(options.json, { runId, unclaimedPoints, settledSlots, returnedLamports, signature }, [
      `closed run ${runId}; ${formatSol(returnedLamports)} came back to ${wallet.address}`,
      ...(hasTreasury ? [`next: starling withdraw-surplus --run-id ${runId}`] : []),
    ]);
    return EXIT_CODES.ok;
  });
}
