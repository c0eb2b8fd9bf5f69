/**
 * A transaction that was sent and of which nobody could tell in time stands between an action and its repetition: what became of it
 * is found out first, or an amount would leave the wallet twice.
 */
import { ActionError } from "@starling/sdk/actions/errors";
import { wait } from "@starling/sdk/solana/wait";

/** Longer than a blockhash lives: what no node knows after that was not carried out, and never will be. */
const BLOCKHASH_LIFE_MS = 120_000;
const LOOK_MS = 2_000;

export interface Unheard {
  signature: string;
  /** the error that told of it, to be shown again while nothing more is known */
  error: unknown;
  /** as `clockMs`: until then it may still be carried out */
  untilMs: number;
}

/** Unix ms that never run backwards while a page lives, and that the next page continues. */
const clockMs = (): number => performance.timeOrigin + performance.now();

/** Null: the error is not about a transaction whose outcome is unknown. `wasStopped`: its owner stopped the wait; else nodes were silent for a blockhash's life. */
export function unheardOf(error: unknown, wasStopped: boolean): Unheard | null {
  const { code, signature } = (error ?? {}) as { code?: unknown; signature?: unknown };
  if (code !== "unknown-outcome" || typeof signature !== "string") return null;
  return { signature, error, untilMs: clockMs() + (wasStopped ? BLOCKHASH_LIFE_MS : 0) };
}

/** Of one that is signed and may be sent at any moment: for who leaves the page, or reloads it, before more is known. */
export function signedNow(signature: string): Unheard {
  return { signature, error: leftError(signature), untilMs: clockMs() + BLOCKHASH_LIFE_MS };
}

const leftError = (signature: string): ActionError =>
  new ActionError("unknown-outcome", "it was signed, and the page was left before it was known what became of it", { signature });

/** Across reloads and tabs of this browser, by action. Where the browser keeps nothing, it is known as long as its component lives. */
export interface UnheardStore {
  read(action: string): Unheard | null;
  /** null: its outcome is known */
  write(action: string, unheard: Unheard | null): void;
}

const PREFIX = "starling.unheard.";

export function unheardStore(storage: () => Storage): UnheardStore {
  return {
    read(action) {
      try {
        const { signature, untilMs } = JSON.parse(storage().getItem(PREFIX + action) ?? "null") as Partial<Unheard>;
        if (typeof signature !== "string" || typeof untilMs !== "number") return null;
        // a clock that was set back since must not make anybody wait for longer than a blockhash lives
        return { signature, error: leftError(signature), untilMs: Math.min(untilMs, clockMs() + BLOCKHASH_LIFE_MS) };
      } catch {
        return null;
      }
    },
    write(action, unheard) {
      try {
        if (unheard === null) storage().removeItem(PREFIX + action);
        else storage().setItem(PREFIX + action, JSON.stringify({ signature: unheard.signature, untilMs: unheard.untilMs }));
      } catch {
        // storage that is full or refused
      }
    },
  };
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
    const isExpired = clockMs() >= untilMs;
    const outcome = await chain.outcome(signature);
    if (outcome !== null) return outcome === "done";
    if (isExpired) return false;
    await wait(everyMs, chain.signal);
  }
}
