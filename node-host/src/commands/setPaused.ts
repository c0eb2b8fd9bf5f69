/** `starling set-paused`: pauses a run, or with --resume starts it or lets it go on. */
import type { OptionsOf, setPausedOptions } from "@starling/config";
import { setPaused as set } from "@starling/sdk/actions/setPaused";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function setPaused(options: OptionsOf<typeof setPausedOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const { runId, state, pendingPause, changed, signature } = await set(chain, wallet, { runId: options.runId, paused: !options.resume });
    const drains = pendingPause ? ", and pauses once its last rounds are applied" : "";
    print(options.json, { runId, state, pendingPause, changed, signature }, [
      `${changed ? "" : "nothing to do: "}run ${runId} is ${state}${drains}`,
    ]);
    return EXIT_CODES.ok;
  });
}
