/** `starling set-paused`: pauses a run, or with --resume starts it or lets it go on. */
import type { OptionsOf, setPausedOptions } from "@starling/config";
import { setPaused as setPausedInstruction } from "@starling/sdk/solana/instructions";
import { authorityOf } from "@starling/sdk/actions/authority";
import { withChain } from "../chain/chain.ts";
import { readWallet } from "../chain/keyFile.ts";
import { print } from "../chain/print.ts";
import { requireRun } from "@starling/sdk/actions/run";
import { EXIT_CODES, HostError } from "../errors.ts";

export async function setPaused(options: OptionsOf<typeof setPausedOptions>): Promise<number> {
  const wallet = await readWallet(options);
  return withChain(options, async (chain) => {
    const run = await requireRun(chain, options.runId);
    const authority = await authorityOf(chain, run, wallet);
    const before = run.state?.runState ?? null;
    if (before === null) throw new HostError("chain", `run ${run.runId} has no configuration yet: starling update-config comes first`);
    if (before === "Finished")
      throw new HostError("chain", `run ${run.runId} is finished: it trained all its steps, and can only be closed`);
    const isDone = options.resume
      ? before !== "Paused" && before !== "Uninitialized" && !run.state?.pendingPause
      : before === "Paused" || before === "Uninitialized" || run.state?.pendingPause === true;
    let signature: string | null = null;
    if (!isDone) {
      const instruction = await authority.instruct((signer) => setPausedInstruction(run.at, signer, !options.resume));
      signature = await chain.send([instruction], wallet, options.resume ? "resume the run" : "pause the run");
    }
    const { state } = await requireRun(chain, options.runId);
    const now = state?.runState ?? "Uninitialized";
    const drains = state?.pendingPause ? ", and pauses once its last rounds are applied" : "";
    print(options.json, { runId: run.runId, state: now, pendingPause: state?.pendingPause ?? false, changed: !isDone, signature }, [
      `${isDone ? "nothing to do: " : ""}run ${run.runId} is ${now}${drains}`,
    ]);
    return EXIT_CODES.ok;
  });
}
