/** `starling tick`: lets a run do what is due, again and again; members do it themselves while there are any. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OptionsOf, tickOptions } from "@starling/config";
import { heightOf, requireRunHead, runStateOf } from "@starling/sdk/actions/run";
import { tick as tickInstruction } from "@starling/sdk/solana/instructions";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";

export async function tick(options: OptionsOf<typeof tickOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    let run = await requireRunHead(chain, options.runId);
    for (let sent = 1; !chain.signal.aborted; sent++) {
      const signature = await chain.send([tickInstruction(run.at, heightOf(run))], wallet, "tick");
      run = await requireRunHead(chain, options.runId);
      const [epoch, step] = [run.machine?.number("epoch") ?? 0, run.machine?.number("step") ?? 0];
      const state = runStateOf(run);
      print(options.json, { ticks: sent, state, epoch, step, nonce: run.account.nonce, signature }, [
        `tick ${sent}: ${state}, epoch ${epoch}, step ${step}`,
      ]);
      if (sent === options.count) break;
      await sleep(options.msInterval, undefined, { signal: chain.signal }).catch(() => undefined);
      if (!chain.signal.aborted) run = await requireRunHead(chain, options.runId);
    }
    return EXIT_CODES.ok;
  });
}
