/** What the accounts of a run cost: the rent is a deposit, and comes back when they are closed. */
import { getConfigDecoder } from "../generated/coordinator/index.ts";
import { LAYOUT } from "../generated/machineLayout.ts";
import { getTreasuryDecoder } from "../generated/treasurer/index.ts";
import { rentLamports } from "../solana/rent.ts";
import { RUN_HEADER_BYTES, TABLE_HEADER_BYTES } from "../solana/stateAccounts.ts";

/** behind a round's reports, for verification */
const VERDICTS_BYTES = 1024;

const RUN_BYTES = RUN_HEADER_BYTES + LAYOUT.Run.bytes;
const CONFIG_BYTES = getConfigDecoder().fixedSize;
export const TABLE_BYTES = TABLE_HEADER_BYTES + LAYOUT.EpochTable.bytes;
/** its header is as long as a table's */
const ROUND_BYTES = TABLE_HEADER_BYTES + LAYOUT.RoundDetail.bytes + VERDICTS_BYTES;
const TREASURY_BYTES = getTreasuryDecoder().fixedSize;
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
