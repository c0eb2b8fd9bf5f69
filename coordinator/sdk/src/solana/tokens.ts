/** SPL Token and Token-2022 as rewards need them: a mint's decimals, and who holds how much. */
import {
  ASSOCIATED_TOKEN_PROGRAM_ADDRESS,
  getCreateAssociatedTokenIdempotentInstruction,
  getMintDecoder,
  getMintSize,
  getTokenDecoder,
  getTokenSize,
  TOKEN_PROGRAM_ADDRESS,
} from "@solana-program/token";
import type { Address, Instruction, ReadonlyUint8Array, TransactionSigner } from "@solana/kit";

export const TOKEN_2022_PROGRAM_ADDRESS = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb" as Address;
export { ASSOCIATED_TOKEN_PROGRAM_ADDRESS, TOKEN_PROGRAM_ADDRESS };

/** An account as an RPC gives it. */
export interface TokenProgramAccount {
  owner: Address;
  data: ReadonlyUint8Array;
}

/** Of Token-2022 accounts that are longer than the plain ones: which kind it is. */
const KIND_OFFSET = 165;
const MINT_KIND = 1;
const TOKEN_KIND = 2;

export interface MintFacts {
  tokenProgram: Address;
  decimals: number;
  supply: bigint;
}

/** Null where the account is no initialised mint of a token program. */
export function readMint({ owner, data }: TokenProgramAccount): MintFacts | null {
  if (!isTokenProgram(owner) || !hasKind(data, getMintSize(), MINT_KIND)) return null;
  const { decimals, supply, isInitialized } = getMintDecoder().decode(data);
  return isInitialized ? { tokenProgram: owner, decimals, supply } : null;
}

export interface TokenAccountFacts {
  mint: Address;
  owner: Address;
  units: bigint;
  hasDelegate: boolean;
}

/** Null where the account is no token account. */
export function readTokenAccount({ owner: program, data }: TokenProgramAccount): TokenAccountFacts | null {
  if (!isTokenProgram(program) || !hasKind(data, getTokenSize(), TOKEN_KIND)) return null;
  const { mint, owner, amount, delegate } = getTokenDecoder().decode(data);
  return { mint, owner, units: amount, hasDelegate: delegate.__option === "Some" };
}

/** Creates the associated token account of `owner`; succeeds where it is there already. */
export function createTokenAccount(input: {
  payer: TransactionSigner;
  ata: Address;
  owner: Address;
  mint: Address;
  tokenProgram: Address;
}): Instruction {
  return getCreateAssociatedTokenIdempotentInstruction(input);
}

function isTokenProgram(address: Address): boolean {
  return address === TOKEN_PROGRAM_ADDRESS || address === TOKEN_2022_PROGRAM_ADDRESS;
}

function hasKind(data: ReadonlyUint8Array, plainBytes: number, kind: number): boolean {
  return data.length === plainBytes || (data.length > KIND_OFFSET && data[KIND_OFFSET] === kind);
}
