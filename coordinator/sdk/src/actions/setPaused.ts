/** Pauses a run, starts it, or lets it go on. */
import type { TransactionSigner } from "@solana/kit";
import type { RunState } from "../types.ts";
import { setPaused as setPausedInstruction } from "../solana/instructions.ts";
import { authorityOf } from "./authority.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import { requireRun } from "./run.ts";

export interface PausedRun {
  runId: string;
  state: RunState;
  /** it pauses once its last rounds are applied */
  pendingPause: boolean;
  /** false: it was so already */
  changed: boolean;
  signature: string | null;
}

/** Errors: ActionError not-found, not-allowed, wrong-state (no configuration, finished), unknown-outcome, cancelled; ChainError. */
export async function setPaused(chain: Chain, wallet: TransactionSigner, input: { runId: string; paused: boolean }): Promise<PausedRun> {
  const { runId, paused } = input;
  const run = await requireRun(chain, runId);
  const authority = await authorityOf(chain, run, wallet);
  if (run.state === null) throw new ActionError("wrong-state", `run ${runId} has no configuration yet`, { advice: "update-config" });
  const { runState: before, pendingPause } = run.state;
  if (before === "Finished")
    throw new ActionError("wrong-state", `run ${runId} is finished: it trained all its steps, and can only be closed`);
  const isHalted = before === "Paused" || before === "Uninitialized" || pendingPause;
  if (isHalted === paused) return { runId, state: before, pendingPause, changed: false, signature: null };
  const instruction = await authority.instruct((signer) => setPausedInstruction(run.at, signer, paused));
  const signature = await chain.send([instruction], wallet, paused ? "pause the run" : "resume the run");
  const { state } = await requireRun(chain, runId);
  return { runId, state: state?.runState ?? "Uninitialized", pendingPause: state?.pendingPause ?? false, changed: true, signature };
}
