/** `starling can-join`: exit code 0 only if the key may join the run; else a sentence says why not. */
import type { Address } from "@solana/kit";
import type { OptionsOf, canJoinOptions } from "@starling/config";
import { withChain } from "../chain/chain.ts";
import { findWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { joinRight } from "../chain/joinRights.ts";
import { readJoinFacts } from "../chain/readJoinFacts.ts";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function canJoin(options: OptionsOf<typeof canJoinOptions>): Promise<number> {
  const owner = (options.address?.trim() ?? (await findWallet(options))?.address) as Address | undefined;
  if (owner === undefined)
    throw new HostError("bad-option", "whose key? Give --pubkey ADDRESS or --wallet-private-key-path FILE, or set RAW_WALLET_PRIVATE_KEY");
  return withChain(options, async (chain) => {
    const authorizer = options.authorizer?.trim() as Address | undefined;
    const right = joinRight(await readJoinFacts(chain, options.runId, owner, authorizer));
    print(options.json, { runId: options.runId, address: owner, ...right }, [
      right.mayJoin ? `${owner} may join run ${options.runId}${right.note === null ? "" : `: ${right.note}`}` : right.reason,
    ]);
    return right.mayJoin ? EXIT_CODES.ok : EXIT_CODES.failed;
  });
}
