/** Who may change a run: its main authority, or the creator of the treasury that is its main authority. */
import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import { asAuthority } from "../solana/treasury.ts";
import { ActionError } from "./errors.ts";
import type { Chain } from "./chain.ts";
import type { OnChainRun } from "./run.ts";
import { findTreasury } from "./treasury.ts";

export interface RunAuthority {
  /** null: the wallet itself is the run's main authority */
  treasury: Address | null;
  /** `build` makes the coordinator's instruction for the authority it is given */
  instruct(build: (authority: TransactionSigner) => Instruction | Promise<Instruction>): Promise<Instruction>;
}

/** Errors: ActionError not-allowed, which names who may. */
export async function authorityOf(chain: Chain, run: OnChainRun, wallet: TransactionSigner): Promise<RunAuthority> {
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  const wanted = treasury?.account.mainAuthority ?? run.account.mainAuthority;
  if (wanted !== wallet.address) {
    throw new ActionError(
      "not-allowed",
      `run ${run.runId} can only be changed by ${wanted}; the wallet is ${wallet.address}: use that authority's key`,
    );
  }
  const by = treasury?.address ?? null;
  return { treasury: by, instruct: (build) => asAuthority(chain.programs, wallet, by, build) };
}
