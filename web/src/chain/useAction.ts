/** Runs one of the SDK's actions for the connected wallet: each transaction is reviewed, progress and failure are shown, and it can be stopped. */
import type { TransactionSigner } from "@solana/kit";
import type { Chain } from "@starling/sdk/actions/chain";
import type { Progress, Tell } from "@starling/sdk/actions/progress";
import { useCallback, useEffect, useRef, useState } from "react";
import { PageError } from "../lib/pageError.ts";
import { walletSnapshot } from "../wallet/store.ts";
import { notingSigner } from "./notingSigner.ts";
import { askReview } from "./reviews.ts";
import { signedNow, unheardOf, unheardStore, wasCarriedOut, type Unheard } from "./unheard.ts";
import { useConnection } from "./useChain.ts";

export interface ActionTools {
  chain: Chain;
  /** of the connected wallet */
  wallet: TransactionSigner;
  tell: Tell;
  /** aborted by `stop` and when the page is left */
  signal: AbortSignal;
  /** The last transaction of the attempt before was carried out, though that attempt could not tell: an action of one transaction is done. */
  wasCarriedOut: boolean;
}

export type ActionState<T> =
  | { status: "idle" }
  | { status: "busy"; progress: Progress | null }
  /** `isFromBefore`: of an attempt before this page was opened, whose inputs are gone */
  | { status: "failed"; error: unknown; isFromBefore?: boolean }
  | { status: "done"; result: T }
  /** an attempt from before this page was opened had done it */
  | { status: "done-before" };

const stored = unheardStore(() => localStorage);
const LOOKING: Progress = { step: 1, of: 1, text: "Looking what became of it" };

export interface ActionHandle<T> {
  state: ActionState<T>;
  isBusy: boolean;
  /** Resolves to the result; null where it failed (`state` has why) or another one is under way. Never rejects. */
  run(task: (tools: ActionTools) => Promise<T>): Promise<T | null>;
  /** Finds out what became of the last transaction of an attempt from before this page was opened; sends nothing. */
  look(): void;
  /** Ends the wait for dialog, wallet and chain. What was sent stays sent. */
  stop(): void;
  reset(): void;
}

/**
 * Inside of `<ChainGate>`. `useAction<Claimed>()`, then `run(({ chain, wallet, tell }) => claimRewards(chain, wallet, input, tell))`.
 * `kept`: the action and what it acts on, where doing it twice costs something: what is not known of it outlives page and tab, and is
 * found out before the action can be done again.
 */
export function useAction<T>(kept: string | null = null): ActionHandle<T> {
  const connection = useConnection();
  const key = kept === null ? null : `${connection.cluster.name}.${kept}`;
  const unheard = useRef<Unheard | null>(null);
  const [state, setState] = useState<ActionState<T>>({ status: "idle" });
  const running = useRef<AbortController | null>(null);
  useEffect(
    () => () => {
      running.current?.abort();
      running.current = null;
    },
    [],
  );
  const know = useCallback(
    (next: Unheard | null) => {
      unheard.current = next;
      if (key !== null) stored.write(key, next);
    },
    [key],
  );

  const look = useCallback(async (): Promise<void> => {
    const before = key === null ? null : stored.read(key);
    if (running.current !== null || before === null) return;
    const stop = new AbortController();
    running.current = stop;
    setState({ status: "busy", progress: LOOKING });
    try {
      await connection.requireRightNetwork(stop.signal);
      const chain = connection.open(stop.signal, () => Promise.reject(new Error("nothing is sent while looking")));
      const carriedOut = await wasCarriedOut(before, chain);
      know(null);
      setState({ status: carriedOut ? "done-before" : "idle" });
    } catch {
      // no node answers, or its person stopped the look
      if (running.current === stop) setState({ status: "failed", error: before.error, isFromBefore: true });
    } finally {
      if (running.current === stop) running.current = null;
    }
  }, [connection, key, know]);
  useEffect(() => void look(), [look]);

  const run = useCallback(
    async (task: (tools: ActionTools) => Promise<T>): Promise<T | null> => {
      if (running.current !== null) return null;
      const stop = new AbortController();
      running.current = stop;
      const { signal } = stop;
      let progress: Progress | null = null;
      let unshown = false;
      const tell: Tell = (next) => {
        progress = next;
        setState({ status: "busy", progress });
      };
      setState({ status: "busy", progress });
      // also of another tab of this browser
      if (key !== null) unheard.current ??= stored.read(key);
      try {
        const { makeSigner } = walletSnapshot();
        if (makeSigner === null) throw new PageError("no-wallet", "No wallet is connected.");
        await connection.requireRightNetwork(signal);
        const chain = connection.open(signal, async (review) => {
          if (unshown && review.error === null) return;
          const answer = await askReview({ review, network: connection.cluster.label, step: progress, signal });
          unshown ||= answer.all;
        });
        let carriedOut = false;
        if (unheard.current !== null) {
          setState({ status: "busy", progress: LOOKING });
          carriedOut = await wasCarriedOut(unheard.current, chain);
          know(null);
          setState({ status: "busy", progress });
        }
        const signer = makeSigner(connection.cluster.chain, signal);
        // the tab may be closed before it is known what became of it
        const note = (signature: string | null): void => {
          if (key !== null) stored.write(key, signature === null ? null : signedNow(signature));
        };
        const wallet = key === null ? signer : notingSigner(signer, note);
        const result = await task({ chain, wallet, tell, signal, wasCarriedOut: carriedOut });
        know(null);
        setState({ status: "done", result });
        return result;
      } catch (error) {
        // who stops looking still does not know; where no node answers, it is looked for with the next attempt
        const told = unheard.current !== null && signal.aborted ? unheard.current.error : error;
        know(unheard.current ?? unheardOf(error, signal.aborted));
        setState({ status: "failed", error: told });
        return null;
      } finally {
        if (running.current === stop) running.current = null;
      }
    },
    [connection, key, know],
  );
  const stop = useCallback(() => running.current?.abort(), []);
  const reset = useCallback(() => setState({ status: "idle" }), []);
  return { state, isBusy: state.status === "busy", run, look: () => void look(), stop, reset };
}
