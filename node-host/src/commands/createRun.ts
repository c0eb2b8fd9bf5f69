/** `starling create-run`: the accounts of a run, and its treasury where it pays rewards. Started again it goes on where it stopped. */
import type { Address } from "@solana/kit";
import type { OptionsOf, createRunOptions } from "@starling/config";
import { parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { createRun as create } from "@starling/sdk/actions/createRun";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print, tellProgress } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function createRun(options: OptionsOf<typeof createRunOptions>): Promise<number> {
  const wallet = await readWallet(options);
  const { runId, name, description, clientVersion } = options;
  const input = {
    ...{ runId, name, description, clientVersion },
    joinAuthority: options.joinAuthority?.trim() as Address | undefined,
    minBondLamports: parseAmount(options.minBond, SOL_DECIMALS, "--min-bond"),
    mint: options.treasurerCollateralMint?.trim() as Address | undefined,
  };
  return withChain(options, async (chain) => {
    const {
      address: run,
      isNew,
      changed,
      mainAuthority,
      joinAuthority,
      treasury,
      mint,
      signature,
    } = await create(chain, wallet, input, tellProgress);
    print(options.json, { runId, run, created: isNew, mainAuthority, joinAuthority, treasury, mint, signature }, [
      `${isNew ? "created" : changed ? "completed" : "nothing to do for"} run ${runId} at ${run}`,
      `who may join is decided by ${joinAuthority}`,
      ...(treasury === null ? [] : [`rewards are paid from treasury ${treasury} in ${mint}`]),
      `next: starling update-config --run-id ${runId} --config-path FILE`,
    ]);
    return EXIT_CODES.ok;
  });
}
