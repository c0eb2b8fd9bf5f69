/** What a member stands in for with SOL, where a run wants it. */
import type { Address, TransactionSigner } from "@solana/kit";
import type { Member } from "../generated/coordinator/index.ts";
import { depositBond as depositBondInstruction, withdrawBond as withdrawBondInstruction } from "../solana/instructions.ts";
import type { Chain } from "./chain.ts";
import { ActionError } from "./errors.ts";
import { findMember, requireRun, requireRunHead, type RunHead } from "./run.ts";
import { settleTables } from "./settle.ts";

export interface Deposited {
  runId: string;
  owner: Address;
  /** of the member, afterwards */
  bondLamports: bigint;
  signature: string;
}

/** Errors: ActionError not-found (no run, never a member), nothing-to-do, unfunded, unknown-outcome, cancelled; ChainError. */
export async function depositBond(
  chain: Chain,
  wallet: TransactionSigner,
  { runId, lamports }: { runId: string; lamports: bigint },
): Promise<Deposited> {
  if (lamports === 0n) throw new ActionError("nothing-to-do", "there is nothing to deposit: the amount is 0");
  const run = await requireRunHead(chain, runId);
  await requireMember(chain, run, wallet.address);
  await chain.requireFunds(wallet.address, lamports, "the bond");
  const signature = await chain.send([await depositBondInstruction(run.at, wallet, lamports)], wallet, "deposit the bond");
  const { bondLamports } = await requireMember(chain, run, wallet.address);
  return { runId, owner: wallet.address, bondLamports, signature };
}

export interface BondWithdrawal {
  runId: string;
  owner: Address;
  lamports: bigint;
  /** false: it is out of use, and the same action pays it after a whole epoch */
  paid: boolean;
  unbondingEpoch: number;
  signature: string;
}

/** The first call takes the bond out of use, the second, an epoch later, pays it. Errors: as `depositBond`. */
export async function withdrawBond(chain: Chain, wallet: TransactionSigner, { runId }: { runId: string }): Promise<BondWithdrawal> {
  const run = await requireRun(chain, runId);
  const before = await requireMember(chain, run, wallet.address);
  const isUnbonding = before.unbondingLamports > 0n;
  const lamports = isUnbonding ? before.unbondingLamports : before.bondLamports;
  if (lamports === 0n) throw new ActionError("nothing-to-do", `${wallet.address} has no bond in run ${runId}`);
  // a bond is paid only once every ejection of the epochs before is booked
  if (isUnbonding) await settleTables(chain, run, wallet);
  const signature = await chain.send([await withdrawBondInstruction(run.at, wallet, lamports)], wallet, "withdraw the bond");
  const { unbondingLamports, unbondingEpoch } = await requireMember(chain, run, wallet.address);
  return { runId, owner: wallet.address, lamports, paid: isUnbonding && unbondingLamports === 0n, unbondingEpoch, signature };
}

async function requireMember(chain: Chain, run: RunHead, owner: Address): Promise<Member> {
  const member = await findMember(chain, run, owner);
  if (member) return member;
  throw new ActionError("not-found", `${owner} has no member account in run ${run.runId}`, { advice: "open-session" });
}
