/** `starling tick`: lets a run do what is due, again and again; members do it themselves while there are any. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OptionsOf, tickOptions } from "@starling/config";
import { tick as tickInstruction } from "@starling/sdk/solana/instructions";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { heightOf, requireRun } from "@starling/sdk/actions/run";
import { EXIT_CODES } from "../errors.ts";

export async function tick(options: OptionsOf<typeof tickOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    for (let sent = 1; !chain.signal.aborted; sent++) {
      const run = await requireRun(chain, options.runId);
      const signature = await chain.send([tickInstruction(run.at, heightOf(run))], wallet, "tick");
      const { state, account } = await requireRun(chain, options.runId);
      const now = state?.runState ?? "Uninitialized";
      print(options.json, { ticks: sent, state: now, epoch: state?.epoch ?? 0, step: state?.step ?? 0, nonce: account.nonce, signature }, [
        `tick ${sent}: ${now}, epoch ${state?.epoch ?? 0}, step ${state?.step ?? 0}`,
      ]);
      if (sent === options.count) break;
      await sleep(options.msInterval, undefined, { signal: chain.signal }).catch(() => undefined);
    }
    return EXIT_CODES.ok;
  });
}
