/** `starling sweep-sessions`: expired sessions of a run, whosever they are, are closed; what they hold goes back to their owners. */
import type { OptionsOf, sweepSessionsOptions } from "@starling/config";
import { formatSol } from "@starling/sdk/actions/amounts";
import { sweepSessions as sweep } from "@starling/sdk/actions/session";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print, tellProgress } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function sweepSessions({ runId, ...options }: OptionsOf<typeof sweepSessionsOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const closed = await sweep(chain, wallet, { runId }, tellProgress);
    print(options.json, { runId, closed }, [
      closed.length === 0
        ? `nothing to do: run ${runId} has no expired sessions`
        : `closed ${closed.length} expired sessions of run ${runId}`,
      ...closed.map(({ owner, lamports }) => `${formatSol(lamports)} went back to ${owner}`),
    ]);
    return EXIT_CODES.ok;
  });
}
