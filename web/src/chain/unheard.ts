/**
 * A transaction that was sent and of which nobody could tell in time stands between an action and its repetition: what became of it
 * is found out first, or an amount would leave the wallet twice.
 */
import { wait } from "@starling/sdk/solana/wait";

/** Longer than a blockhash lives: what no node knows after that was not carried out, and never will be. */
const BLOCKHASH_LIFE_MS = 120_000;
const LOOK_MS = 2_000;

export interface Unheard {
  signature: string;
  /** the error that told of it, to be shown again while nothing more is known */
  error: unknown;
  /** as performance.now(): until then it may still be carried out */
  untilMs: number;
}

/** Null: the error is not about a transaction whose outcome is unknown. `wasStopped`: its owner stopped the wait; else nodes were silent for a blockhash's life. */
export function unheardOf(error: unknown, wasStopped: boolean): Unheard | null {
  const { code, signature } = (error ?? {}) as { code?: unknown; signature?: unknown };
  if (code !== "unknown-outcome" || typeof signature !== "string") return null;
  return { signature, error, untilMs: performance.now() + (wasStopped ? BLOCKHASH_LIFE_MS : 0) };
}

/** What is asked of a Chain. */
interface Outcomes {
  readonly signal: AbortSignal;
  outcome(signature: string): Promise<"done" | "failed" | null>;
}

/** Looks until it is known; resolves to whether it was carried out. Errors: those of `outcome`; the signal's reason. */
export async function wasCarriedOut({ signature, untilMs }: Unheard, chain: Outcomes, everyMs = LOOK_MS): Promise<boolean> {
  for (;;) {
    // before the look: what expires during it could have been carried out just before
    const isExpired = performance.now() >= untilMs;
    const outcome = await chain.outcome(signature);
    if (outcome !== null) return outcome === "done";
    if (isExpired) return false;
    await wait(everyMs, chain.signal);
  }
}
