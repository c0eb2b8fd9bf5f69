/** `starling set-future-epoch-rates`: what an epoch pays its members, and what an ejected one loses, from the next epoch on. */
import type { OptionsOf, setFutureEpochRatesOptions } from "@starling/config";
import { formatAmount, parseAmount } from "@starling/sdk/actions/amounts";
import { requireRunHead } from "@starling/sdk/actions/run";
import { setRates } from "@starling/sdk/actions/setRates";
import { rewardUnit } from "@starling/sdk/actions/treasury";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function setFutureEpochRates(options: OptionsOf<typeof setFutureEpochRatesOptions>): Promise<number> {
  if (options.earningRate === undefined && options.slashingRate === undefined)
    throw new HostError("bad-option", "nothing to do: give --earning-rate, --slashing-rate or both");
  const wallet = await readWallet(options);
  const { runId } = options;
  return withChain(options, async (chain) => {
    const { unit, decimals } = await rewardUnit(chain, await requireRunHead(chain, runId));
    const rate = (text: string | undefined, flag: string): bigint | undefined =>
      text === undefined ? undefined : parseAmount(text, decimals, flag);
    const { earningRate, slashingRate, signature } = await setRates(chain, wallet, {
      runId,
      earningRate: rate(options.earningRate, "--earning-rate"),
      slashingRate: rate(options.slashingRate, "--slashing-rate"),
    });
    print(options.json, { runId, earningRateTotalShared: earningRate, slashingRatePerClient: slashingRate, decimals, unit, signature }, [
      `from the next epoch on run ${runId} pays ${formatAmount(earningRate, decimals)} ${unit} an epoch, shared by its members`,
      `and an ejected member loses ${formatAmount(slashingRate, decimals)} ${unit}`,
    ]);
    return EXIT_CODES.ok;
  });
}
