/** Instructions of the program `authorizer`: grants of a scope to a grantee and its delegates. */
import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import * as authorizer from "../generated/authorizer/index.ts";
import { CHAIN_LIMITS, requireCount } from "./limits.ts";
import { grantAddress, JOIN_SCOPE, type Programs } from "./pdas.ts";

/** An inactive grant; `setGrantActive` next. */
export async function createGrant(
  programs: Programs,
  payer: TransactionSigner,
  grantor: TransactionSigner,
  grantee: Address,
  scope: string = JOIN_SCOPE,
): Promise<Instruction> {
  const grant = await grantAddress(programs, grantor.address, grantee, scope);
  return authorizer.getCreateInstruction({ payer, grantor, grant, grantee, scope }, from(programs));
}

export async function setGrantActive(
  programs: Programs,
  grantor: TransactionSigner,
  grantee: Address,
  active: boolean,
  scope: string = JOIN_SCOPE,
): Promise<Instruction> {
  const grant = await grantAddress(programs, grantor.address, grantee, scope);
  return authorizer.getSetActiveInstruction({ grantor, grant, active: active ? 1 : 0 }, from(programs));
}

/** At most 16 keys at once (they must fit a transaction), 32 in all; `clear` forgets the present ones first. */
export async function setDelegates(
  programs: Programs,
  payer: TransactionSigner,
  grantee: TransactionSigner,
  grantor: Address,
  delegates: readonly Address[],
  options: { clear: boolean; scope?: string },
): Promise<Instruction> {
  if (!options.clear) requireCount("delegates", delegates.length, CHAIN_LIMITS.delegatesAtOnce);
  const grant = await grantAddress(programs, grantor, grantee.address, options.scope ?? JOIN_SCOPE);
  return authorizer.getSetDelegatesInstruction(
    { payer, grantee, grant, clear: options.clear ? 1 : 0, delegates: [...delegates] },
    from(programs),
  );
}

export async function closeGrant(
  programs: Programs,
  grantor: TransactionSigner,
  grantee: Address,
  spill: Address,
  scope: string = JOIN_SCOPE,
): Promise<Instruction> {
  const grant = await grantAddress(programs, grantor.address, grantee, scope);
  return authorizer.getCloseInstruction({ grantor, grant, spill }, from(programs));
}

function from(programs: Programs): { programAddress: Address } {
  return { programAddress: programs.authorizer };
}
