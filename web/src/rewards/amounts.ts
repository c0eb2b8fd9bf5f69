/** Points and token units of a membership as people read them, and sums over memberships. */
import type { Membership } from "@starling/sdk/actions/memberships";
import { formatNumber, formatTokens } from "../lib/format.ts";

/** "1.5 tokens", or "1,500 points" in a run without a treasury. */
export function amountOf({ treasury }: Pick<Membership, "treasury">, units: bigint): string {
  return treasury === null ? `${formatNumber(units)} points` : formatTokens(units, treasury.decimals);
}

export interface TokenSum {
  mint: string;
  decimals: number;
  /** what claims would pay now */
  payable: bigint;
  claimed: bigint;
}

/** By mint, as the runs name them first. Points of runs without a treasury are no tokens, and are in none. */
export function tokenSums(memberships: readonly Membership[]): TokenSum[] {
  const sums = new Map<string, TokenSum>();
  for (const { treasury, payable, member } of memberships) {
    if (treasury === null) continue;
    const { mint } = treasury.account;
    const sum = sums.get(mint) ?? { mint, decimals: treasury.decimals, payable: 0n, claimed: 0n };
    sums.set(mint, { ...sum, payable: sum.payable + payable, claimed: sum.claimed + (member?.claimed ?? 0n) });
  }
  return [...sums.values()];
}

/** Lamports that come back when memberships and sessions are closed: deposits, floats, bonds. Who was ejected waits for the deposit until the run is closed. */
export function returnable({ memberLamports, member, state, sessions }: Membership): bigint {
  const isKept = state !== null && member?.isEjected === true;
  const ofMember = isKept ? member.bondLamports + member.unbondingLamports : memberLamports;
  return sessions.reduce((sum, { floatLamports, rentLamports }) => sum + floatLamports + rentLamports, ofMember);
}
