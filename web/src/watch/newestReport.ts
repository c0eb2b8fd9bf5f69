/** The last thing that a witness of a run said, for the list: a handful of requests, whatever the run's past. */
import type { Address } from "@solana/kit";
import type { ClusterClient } from "@starling/sdk/solana/clusterClient";
import type { Programs } from "@starling/sdk/solana/pdas";
import { readSignatures, readTransaction } from "./transactions.ts";

/** a round of a few clients; of a large run most of what is new are reports */
const LOOKED_AT = 16;
const MOST_READ = 5;

export interface NewestReport {
  step: number;
  loss: number;
  /** of all trainers, if they are as fast as the one that reports */
  tokensPerSecond: number | null;
}

/** Null where none of the newest transactions is a report with a loss. @throws ChainError */
export async function newestReport(
  client: ClusterClient,
  programs: Programs,
  run: Address,
  signal: AbortSignal,
): Promise<NewestReport | null> {
  const { commitment, pool } = client;
  const lines = readSignatures(await pool.call("getSignaturesForAddress", [run, { limit: LOOKED_AT, commitment }], signal));
  for (const line of lines.filter(({ isOk }) => isOk).slice(0, MOST_READ)) {
    const config = { encoding: "json", commitment, maxSupportedTransactionVersion: 0 };
    const read = readTransaction(await pool.call("getTransaction", [line.signature, config], signal), line, programs, run);
    for (const { step, loss, tokensPerSecond, batches } of read?.reports ?? []) {
      if (loss !== null) return { step, loss, tokensPerSecond: tokensPerSecond === null ? null : tokensPerSecond * Math.max(1, batches) };
    }
  }
  return null;
}
