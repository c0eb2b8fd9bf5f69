/** `starling can-join`: exit code 0 only if the key may join the run; else a sentence says why not. */
import type { Address } from "@solana/kit";
import type { OptionsOf, canJoinOptions } from "@starling/config";
import { withAdvice } from "../chain/actionFailure.ts";
import { withChain } from "../chain/chain.ts";
import { findWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { joinRight } from "@starling/sdk/actions/joinRights";
import { readJoinFacts } from "@starling/sdk/actions/readJoinFacts";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function canJoin(options: OptionsOf<typeof canJoinOptions>): Promise<number> {
  const owner = (options.address?.trim() ?? (await findWallet(options))?.address) as Address | undefined;
  if (owner === undefined)
    throw new HostError("bad-option", "whose key? Give --pubkey ADDRESS or --wallet-private-key-path FILE, or set RAW_WALLET_PRIVATE_KEY");
  return withChain(options, async (chain) => {
    const authorizer = options.authorizer?.trim() as Address | undefined;
    const right = joinRight(await readJoinFacts(chain, options.runId, owner, authorizer));
    if (right.mayJoin) {
      const note = right.note === null ? "" : `: ${right.note}`;
      print(options.json, { runId: options.runId, address: owner, ...right }, [`${owner} may join run ${options.runId}${note}`]);
      return EXIT_CODES.ok;
    }
    const reason = withAdvice(right.reason, right.advice);
    print(options.json, { runId: options.runId, address: owner, mayJoin: false, mayLater: right.mayLater, reason }, [reason]);
    return EXIT_CODES.failed;
  });
}
