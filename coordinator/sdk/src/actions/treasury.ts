/** A run's treasury: what it holds, and in which token. */
import type { Address } from "@solana/kit";
import { getParticipantDecoder, getTreasuryDecoder, type Participant, type Treasury } from "../generated/treasurer/index.ts";
import { KINDS, requireAccount } from "../solana/accounts.ts";
import { participantAddress, treasuryAddress } from "../solana/pdas.ts";
import { readMint, readTokenAccount } from "../solana/tokens.ts";
import { tokenAddress, type Collateral } from "../solana/treasury.ts";
import { ActionError } from "./errors.ts";
import type { Chain } from "./chain.ts";
import type { TreasuryFacts } from "./dump.ts";
import type { RunHead } from "./run.ts";

export interface FoundTreasury {
  address: Address;
  account: Treasury;
}

/**
 * Null for a run without rewards. `mainAuthority`: the run's, which is the treasury where there is one; null for a run that may be
 * closed, whose treasury still has its surplus. Errors: ChainError.
 */
export async function findTreasury(chain: Chain, run: Address, mainAuthority: Address | null): Promise<FoundTreasury | null> {
  const address = await treasuryAddress(chain.programs, run);
  if (mainAuthority !== null && mainAuthority !== address) return null;
  const found = await chain.account(address);
  if (found === null || found.owner !== chain.programs.treasurer) return null;
  const decoder = getTreasuryDecoder();
  const data = requireAccount("the treasury", found, {
    program: chain.programs.treasurer,
    kind: KINDS.treasury,
    minBytes: decoder.fixedSize,
  });
  return { address, account: decoder.decode(data) };
}

/** Errors: ActionError not-found for a run without one. */
export async function requireTreasury(chain: Chain, runId: string, run: Address, mainAuthority: Address | null): Promise<FoundTreasury> {
  const found = await findTreasury(chain, run, mainAuthority);
  if (found) return found;
  throw new ActionError("not-found", `run ${runId} has no treasury: it was created without rewards, or its surplus was withdrawn`);
}

/** What an owner claimed of a treasury; null where it never did, or someone merely sent lamports to the address. Errors: ChainError. */
export async function findParticipant(chain: Chain, treasury: Address, owner: Address): Promise<Participant | null> {
  const { treasurer } = chain.programs;
  const found = await chain.account(await participantAddress(chain.programs, treasury, owner));
  if (found === null || found.owner !== treasurer) return null;
  const decoder = getParticipantDecoder();
  const expected = { program: treasurer, kind: KINDS.participant, minBytes: decoder.fixedSize };
  return decoder.decode(requireAccount("the participant", found, expected));
}

export interface Mint extends Collateral {
  decimals: number;
}

/** Errors: ActionError not-found where `address` is no mint. */
export async function requireMint(chain: Chain, address: Address): Promise<Mint> {
  const found = await chain.account(address);
  const mint = found && readMint(found);
  if (mint) chain.decimals.set(address, mint.decimals);
  if (mint) return { mint: address, tokenProgram: mint.tokenProgram, decimals: mint.decimals };
  const what = found === null ? "there is no account at that address" : `the account there belongs to ${found.owner} and is no mint`;
  throw new ActionError("not-found", `${address} is not the mint of a token: ${what}`);
}

/** Units in the associated token account of `owner`; null where there is none. */
export async function unitsOf(chain: Chain, owner: Address, collateral: Collateral): Promise<{ address: Address; units: bigint | null }> {
  const address = await tokenAddress(owner, collateral);
  const found = await chain.account(address);
  const token = found && readTokenAccount(found);
  return { address, units: token && token.mint === collateral.mint ? token.units : null };
}

export async function treasuryFacts(chain: Chain, { address, account }: FoundTreasury): Promise<TreasuryFacts> {
  const mint = await requireMint(chain, account.mint);
  const vault = await unitsOf(chain, address, mint);
  return { address, account, decimals: mint.decimals, vault: vault.address, vaultUnits: vault.units ?? 0n };
}

/** In what a run's points are told: its token, or points where it pays none. Errors: ActionError not-found; ChainError. */
export async function rewardUnit(
  chain: Chain,
  run: RunHead,
): Promise<{ unit: "tokens" | "points"; decimals: number; mint: Address | null }> {
  const treasury = await findTreasury(chain, run.address, run.account.mainAuthority);
  if (treasury === null) return { unit: "points", decimals: 0, mint: null };
  const { mint, decimals } = await requireMint(chain, treasury.account.mint);
  return { unit: "tokens", decimals, mint };
}
