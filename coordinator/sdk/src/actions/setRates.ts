/** What an epoch pays its members, and what an ejected one loses, from the next epoch on. */
import type { TransactionSigner } from "@solana/kit";
import { setFutureEpochRates } from "../solana/instructions.ts";
import { authorityOf } from "./authority.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import { requireRun } from "./run.ts";

export interface SetRatesInput {
  runId: string;
  /** points an epoch, shared by its members; undefined: as it is */
  earningRate?: bigint;
  /** points that an ejected member loses; undefined: as it is */
  slashingRate?: bigint;
}

export interface FutureRates {
  runId: string;
  earningRate: bigint;
  slashingRate: bigint;
  /** null: they were so already */
  signature: string | null;
}

/** Errors: ActionError not-found, not-allowed, wrong-state (no configuration yet), unknown-outcome, cancelled; ChainError. */
export async function setRates(chain: Chain, wallet: TransactionSigner, input: SetRatesInput): Promise<FutureRates> {
  const { runId } = input;
  const run = await requireRun(chain, runId);
  const authority = await authorityOf(chain, run, wallet);
  if (run.state === null) throw new ActionError("wrong-state", `run ${runId} has no configuration yet`, { advice: "update-config" });
  const { earningRateTotalShared, slashingRatePerClient } = run.state.config;
  const earningRate = input.earningRate ?? earningRateTotalShared;
  const slashingRate = input.slashingRate ?? slashingRatePerClient;
  if (earningRate === earningRateTotalShared && slashingRate === slashingRatePerClient)
    return { runId, earningRate, slashingRate, signature: null };
  const instruction = await authority.instruct((signer) => setFutureEpochRates(run.at, signer, earningRate, slashingRate));
  const signature = await chain.send([instruction], wallet, "set the rates of future epochs");
  return { runId, earningRate, slashingRate, signature };
}
