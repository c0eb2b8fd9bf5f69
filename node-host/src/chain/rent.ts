/** What the accounts of a run cost: the rent is a deposit, and comes back when they are closed. */
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { RUN_HEADER_BYTES, TABLE_HEADER_BYTES } from "@starling/sdk/solana/stateAccounts";

/** Solana's: two years of 3480 lamports a byte and year, on 128 bytes more than the account has */
const LAMPORTS_PER_BYTE = 6960n;
const OVERHEAD_BYTES = 128;

export function rentLamports(bytes: number): bigint {
  return BigInt(bytes + OVERHEAD_BYTES) * LAMPORTS_PER_BYTE;
}

/** kind, version, bump, index, padding */
const HEADER_BYTES = 8;
const KEY_BYTES = 32;
const RUN_BYTES = RUN_HEADER_BYTES + LAYOUT.Run.bytes;
const CONFIG_BYTES = HEADER_BYTES + KEY_BYTES + 8 + 64 + 280 + 96 + 16 + 8192;
export const TABLE_BYTES = TABLE_HEADER_BYTES + LAYOUT.EpochTable.bytes;
const ROUND_BYTES = HEADER_BYTES + KEY_BYTES + LAYOUT.RoundDetail.bytes + 1024;
const TREASURY_BYTES = 168;
const TOKEN_ACCOUNT_BYTES = 165;
/** what one instruction may grow an account by */
export const TABLE_STEP_BYTES = 10_240;
/** for the transactions that make them */
const FEES_LAMPORTS = 1_000_000n;

/** Lamports that `create-run` needs. */
export function rentOfRun(withTreasury: boolean): bigint {
  const accounts = [RUN_BYTES, CONFIG_BYTES, TABLE_BYTES, TABLE_BYTES, ...Array<number>(4).fill(ROUND_BYTES)];
  if (withTreasury) accounts.push(TREASURY_BYTES, TOKEN_ACCOUNT_BYTES);
  return accounts.reduce((sum, bytes) => sum + rentLamports(bytes), FEES_LAMPORTS);
}
