/** Instructions of the program `treasurer`, and how a run's creator acts through it. */
import { AccountRole, type Address, createNoopSigner, type Instruction, type TransactionSigner } from "@solana/kit";
import { findAssociatedTokenPda } from "@solana-program/token";
import * as treasurer from "../generated/treasurer/index.ts";
import { ChainError } from "./chainError.ts";
import { createRunArguments, type NewRun, ring } from "./instructions.ts";
import { CHAIN_LIMITS, requireText, requireUnsigned } from "./limits.ts";
import { memberAddress, participantAddress, type Programs, type RunAddresses, runAddresses, treasuryAddress } from "./pdas.ts";

/** What a treasury pays in; `tokenProgram` owns the mint. */
export interface Collateral {
  mint: Address;
  tokenProgram: Address;
}

/** The associated token account of `owner`. */
export async function tokenAddress(owner: Address, { mint, tokenProgram }: Collateral): Promise<Address> {
  const [address] = await findAssociatedTokenPda({ owner, mint, tokenProgram });
  return address;
}

/**
 * A run whose main authority is its treasury; `run.mainAuthority` becomes the treasury's own. Its texts have 360 bytes together
 * at first (the transaction is full then); `updateMetadata` sets longer ones.
 */
export async function createRunWithTreasury(
  programs: Programs,
  authority: TransactionSigner,
  run: NewRun,
  collateral: Collateral,
): Promise<Instruction> {
  const texts = `${run.name ?? ""}${run.description ?? ""}${run.clientVersion ?? ""}`;
  requireText("name, description and client version of a run with a treasury", texts, CHAIN_LIMITS.textsWithTreasuryBytes);
  const at = await runAddresses(programs, run.runId);
  const treasury = await treasuryAddress(programs, at.run);
  const vault = await tokenAddress(treasury, collateral);
  return treasurer.getCreateRunInstruction(
    {
      ...{ authority, treasury, vault, ...collateral, payer: authority, coordinatorProgram: programs.coordinator },
      ...ring(at),
      ...createRunArguments(programs, run),
    },
    from(programs),
  );
}

/**
 * What the run's authority does, done by the treasury: `build` makes the coordinator's instruction for the authority it is given.
 * `treasury` null: the authority acts by itself.
 */
export async function asAuthority(
  programs: Programs,
  authority: TransactionSigner,
  treasury: Address | null,
  build: (authority: TransactionSigner) => Instruction | Promise<Instruction>,
): Promise<Instruction> {
  if (treasury === null) return build(authority);
  const inner = await build(createNoopSigner(treasury));
  if (inner.data === undefined) throw new ChainError("bad-argument", "an instruction without data cannot be forwarded");
  const outer = treasurer.getForwardInstruction(
    { authority, treasury, coordinatorProgram: programs.coordinator, data: inner.data, accounts: [] },
    from(programs),
  );
  const accounts = (inner.accounts ?? []).map(({ address, role }) => ({
    address,
    role: role === AccountRole.WRITABLE || role === AccountRole.WRITABLE_SIGNER ? AccountRole.WRITABLE : AccountRole.READONLY,
  }));
  return { ...outer, accounts: [...outer.accounts, ...accounts] };
}

export async function createParticipant(at: RunAddresses, payer: TransactionSigner, owner: Address): Promise<Instruction> {
  const treasury = await treasuryAddress(at.programs, at.run);
  const participant = await participantAddress(at.programs, treasury, owner);
  return treasurer.getCreateParticipantInstruction({ payer, owner, treasury, participant }, from(at.programs));
}

/** The rent back, once the run is closed. */
export async function closeParticipant(at: RunAddresses, owner: TransactionSigner): Promise<Instruction> {
  const treasury = await treasuryAddress(at.programs, at.run);
  const participant = await participantAddress(at.programs, treasury, owner.address);
  return treasurer.getCloseParticipantInstruction({ owner, treasury, participant }, from(at.programs));
}

/** Pays to the owner's associated token account, which must exist. 1 point is 1 base unit of the mint. */
export async function claim(at: RunAddresses, owner: TransactionSigner, collateral: Collateral, points: bigint): Promise<Instruction> {
  requireUnsigned("the points", points, 64);
  const treasury = await treasuryAddress(at.programs, at.run);
  const [participant, vault, ownerToken, member] = await Promise.all([
    participantAddress(at.programs, treasury, owner.address),
    tokenAddress(treasury, collateral),
    tokenAddress(owner.address, collateral),
    memberAddress(at.programs, at.run, owner.address),
  ]);
  return treasurer.getClaimInstruction(
    {
      ...{ owner, treasury, participant, vault, ownerToken, run: at.run, member, ...collateral },
      ...{ coordinatorProgram: at.programs.coordinator, points },
    },
    from(at.programs),
  );
}

/** From the signer's associated token account. */
export async function topUp(
  at: RunAddresses,
  fromAuthority: TransactionSigner,
  collateral: Collateral,
  units: bigint,
): Promise<Instruction> {
  requireUnsigned("the amount", units, 64);
  const treasury = await treasuryAddress(at.programs, at.run);
  const [vault, fromToken] = await Promise.all([tokenAddress(treasury, collateral), tokenAddress(fromAuthority.address, collateral)]);
  const { coordinator } = at.programs;
  return treasurer.getTopUpInstruction(
    { fromAuthority, fromToken, treasury, vault, ...collateral, run: at.run, coordinatorProgram: coordinator, units },
    from(at.programs),
  );
}

/** After the run is closed. */
export async function withdrawSurplus(at: RunAddresses, authority: TransactionSigner, collateral: Collateral): Promise<Instruction> {
  const treasury = await treasuryAddress(at.programs, at.run);
  const [vault, authorityToken] = await Promise.all([tokenAddress(treasury, collateral), tokenAddress(authority.address, collateral)]);
  return treasurer.getWithdrawSurplusInstruction({ authority, treasury, vault, authorityToken, ...collateral }, from(at.programs));
}

function from(programs: Programs): { programAddress: Address } {
  return { programAddress: programs.treasurer };
}
