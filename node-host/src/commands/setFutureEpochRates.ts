/** `starling set-future-epoch-rates`: what an epoch pays its members, and what an ejected one loses, from the next epoch on. */
import type { OptionsOf, setFutureEpochRatesOptions } from "@starling/config";
import { setFutureEpochRates as setRatesInstruction } from "@starling/sdk/solana/instructions";
import { formatAmount, parseAmount } from "@starling/sdk/actions/amounts";
import { authorityOf } from "@starling/sdk/actions/authority";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { requireRun } from "@starling/sdk/actions/run";
import { findTreasury, requireMint } from "@starling/sdk/actions/treasury";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function setFutureEpochRates(options: OptionsOf<typeof setFutureEpochRatesOptions>): Promise<number> {
  if (options.earningRate === undefined && options.slashingRate === undefined)
    throw new HostError("bad-option", "nothing to do: give --earning-rate, --slashing-rate or both");
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const authority = await authorityOf(chain, run, wallet);
    if (run.state === null) throw new HostError("chain", `run ${run.runId} has no configuration yet: starling update-config comes first`);
    const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
    const decimals = treasury === null ? 0 : (await requireMint(chain, treasury.account.mint)).decimals;
    const { config } = run.state;
    const earning =
      options.earningRate === undefined ? config.earningRateTotalShared : parseAmount(options.earningRate, decimals, "--earning-rate");
    const slashing =
      options.slashingRate === undefined ? config.slashingRatePerClient : parseAmount(options.slashingRate, decimals, "--slashing-rate");
    const instruction = await authority.instruct((signer) => setRatesInstruction(run.at, signer, earning, slashing));
    const signature = await chain.send([instruction], wallet, "set the rates of future epochs");
    const unit = treasury === null ? "points" : "tokens";
    print(options.json, { runId: run.runId, earningRateTotalShared: earning, slashingRatePerClient: slashing, decimals, unit, signature }, [
      `from the next epoch on run ${run.runId} pays ${formatAmount(earning, decimals)} ${unit} an epoch, shared by its members`,
      `and an ejected member loses ${formatAmount(slashing, decimals)} ${unit}`,
    ]);
    return EXIT_CODES.ok;
  });
}
