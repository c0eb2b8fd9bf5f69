/** Ends a halted run for good. Points are settled first, and the deposits of its accounts come back to the wallet. */
import type { TransactionSigner } from "@solana/kit";
import { closeRun as closeRunInstruction } from "../solana/instructions.ts";
import { formatAmount } from "./amounts.ts";
import { authorityOf } from "./authority.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import type { Tell } from "./progress.ts";
import { requireRun, runStateOf, type OnChainRun } from "./run.ts";
import { settleTables } from "./settle.ts";
import { requireMint, requireTreasury } from "./treasury.ts";

/** For so long after its end a run with rewards stays open for claims (the treasurer sees to it). */
const CLAIM_DAYS = 90;
const DAY_MS = 86_400_000;

export interface ClosedRun {
  runId: string;
  /** what members had not claimed: void now */
  unclaimedPoints: bigint;
  settledSlots: number;
  /** to the wallet, after fees */
  returnedLamports: bigint;
  /** its surplus can be withdrawn now */
  hasTreasury: boolean;
  signature: string;
}

/** Errors: ActionError not-found, not-allowed, wrong-state (running, or members may still claim), unknown-outcome, cancelled; ChainError. */
export async function closeRun(chain: Chain, wallet: TransactionSigner, { runId }: { runId: string }, tell?: Tell): Promise<ClosedRun> {
  const run = await requireRun(chain, runId);
  const authority = await authorityOf(chain, run, wallet);
  const now = runStateOf(run);
  if (now !== "Paused" && now !== "Finished" && now !== "Uninitialized")
    throw new ActionError("wrong-state", `run ${runId} is ${now}, and only a halted run can be closed`, { advice: "pause" });
  let step = 0;
  const settledSlots = await settleTables(chain, run, wallet, undefined, () =>
    tell?.({ step: ++step, of: null, text: "booking the points of the last epoch" }),
  );
  const unclaimedPoints = (await requireRun(chain, runId)).account.unclaimedPoints;
  if (authority.treasury !== null && unclaimedPoints > 0n) await refuseBeforeTime(chain, run, unclaimedPoints);
  const before = await chain.balance(wallet.address);
  tell?.({ step: ++step, of: step, text: `closing run ${runId}` });
  const instruction = await authority.instruct((signer) => closeRunInstruction(run.at, signer, wallet.address));
  const signature = await chain.send([instruction], wallet, `close run ${runId}`);
  const returnedLamports = (await chain.balance(wallet.address)) - before;
  return { runId, unclaimedPoints, settledSlots, returnedLamports, hasTreasury: authority.treasury !== null, signature };
}

/** Errors: ActionError wrong-state while members may still claim. */
async function refuseBeforeTime(chain: Chain, run: OnChainRun, unclaimed: bigint): Promise<void> {
  const until = Number(run.state?.runStateStartedMs ?? 0n) + CLAIM_DAYS * DAY_MS;
  if (Date.now() >= until) return;
  const { mint } = (await requireTreasury(chain, run.runId, run.address, run.account.mainAuthority)).account;
  const { decimals } = await requireMint(chain, mint);
  throw new ActionError(
    "wrong-state",
    `${formatAmount(unclaimed, decimals)} tokens of run ${run.runId} are not claimed yet: it can be closed once they are, or after ${new Date(until).toISOString()}, ${CLAIM_DAYS} days after it halted`,
  );
}
