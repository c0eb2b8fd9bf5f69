/** `starling close-membership`: the wallet is done with a run, and what its sessions and accounts hold comes back. */
import type { OptionsOf, closeMembershipOptions } from "@starling/config";
import { formatSol } from "@starling/sdk/actions/amounts";
import { closeMembership as close } from "@starling/sdk/actions/closeMembership";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print, tellProgress } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function closeMembership({ runId, ...options }: OptionsOf<typeof closeMembershipOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const closed = await close(chain, wallet, { runId }, tellProgress);
    print(options.json, { runId, ...closed }, [
      `${formatSol(closed.returnedLamports)} came back to ${closed.owner}, which is no member of run ${runId} any more`,
      ...(closed.keptLamports === 0n
        ? []
        : [
            `${formatSol(closed.keptLamports)} stay in the account of its claims until the run's treasury is closed; the same command returns them then`,
          ]),
    ]);
    return EXIT_CODES.ok;
  });
}
