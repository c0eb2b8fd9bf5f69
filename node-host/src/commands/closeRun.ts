/** `starling close-run`: ends a halted run for good. Points are settled first, and the accounts' rent comes back to the wallet. */
import type { OptionsOf, closeRunOptions } from "@starling/config";
import { closeRun as closeRunInstruction } from "@starling/sdk/solana/instructions";
import { formatSol } from "../chain/amounts.ts";
import { authorityOf } from "../chain/authority.ts";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { requireRun } from "../chain/run.ts";
import { settleTables } from "../chain/settle.ts";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function closeRun(options: OptionsOf<typeof closeRunOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const authority = await authorityOf(chain, run, wallet);
    const now = run.state?.runState ?? "Uninitialized";
    if (now !== "Paused" && now !== "Finished" && now !== "Uninitialized")
      throw new HostError(
        "chain",
        `run ${run.runId} is ${now}, and only a halted run can be closed: use starling set-paused first, and wait until it is Paused`,
      );
    const settled = await settleTables(chain, run, wallet);
    const before = await chain.balance(wallet.address);
    const instruction = await authority.instruct((signer) => closeRunInstruction(run.at, signer, wallet.address));
    const signature = await chain.send([instruction], wallet, `close run ${run.runId}`);
    const returned = (await chain.balance(wallet.address)) - before;
    print(options.json, { runId: run.runId, settledSlots: settled, returnedLamports: returned, signature }, [
      `closed run ${run.runId}; ${formatSol(returned)} came back to ${wallet.address}`,
      ...(authority.treasury === null ? [] : [`next: starling withdraw-surplus --run-id ${run.runId}`]),
    ]);
    return EXIT_CODES.ok;
  });
}
