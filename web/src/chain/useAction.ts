/** Runs one of the SDK's actions for the connected wallet: each transaction is reviewed, progress and failure are shown, and it can be stopped. */
import type { TransactionSigner } from "@solana/kit";
import type { Chain } from "@starling/sdk/actions/chain";
import type { Progress, Tell } from "@starling/sdk/actions/progress";
import { useCallback, useEffect, useRef, useState } from "react";
import { PageError } from "../lib/pageError.ts";
import { walletSnapshot } from "../wallet/store.ts";
import { askReview } from "./reviews.ts";
import { unheardOf, wasCarriedOut, type Unheard } from "./unheard.ts";
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
  | { status: "failed"; error: unknown }
  | { status: "done"; result: T };

export interface ActionHandle<T> {
  state: ActionState<T>;
  isBusy: boolean;
  /** Resolves to the result; null where it failed (`state` has why) or another one is under way. Never rejects. */
  run(task: (tools: ActionTools) => Promise<T>): Promise<T | null>;
  /** Ends the wait for dialog, wallet and chain. What was sent stays sent. */
  stop(): void;
  reset(): void;
}

/** Inside of `<ChainGate>`. `useAction<Claimed>()`, then `run(({ chain, wallet, tell }) => claimRewards(chain, wallet, input, tell))`. */
export function useAction<T>(): ActionHandle<T> {
  const connection = useConnection();
  const [state, setState] = useState<ActionState<T>>({ status: "idle" });
  const running = useRef<AbortController | null>(null);
  const unheard = useRef<Unheard | null>(null);
  useEffect(() => () => running.current?.abort(), []);

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
          setState({ status: "busy", progress: { step: 1, of: 1, text: "Looking what became of it" } });
          carriedOut = await wasCarriedOut(unheard.current, chain);
          unheard.current = null;
          setState({ status: "busy", progress });
        }
        const wallet = makeSigner(connection.cluster.chain, signal);
        const result = await task({ chain, wallet, tell, signal, wasCarriedOut: carriedOut });
        setState({ status: "done", result });
        return result;
      } catch (error) {
        // who stops looking still does not know; where no node answers, it is looked for with the next attempt
        const told = unheard.current !== null && signal.aborted ? unheard.current.error : error;
        unheard.current ??= unheardOf(error, signal.aborted);
        setState({ status: "failed", error: told });
        return null;
      } finally {
        running.current = null;
      }
    },
    [connection],
  );
  const stop = useCallback(() => running.current?.abort(), []);
  const reset = useCallback(() => setState({ status: "idle" }), []);
  return { state, isBusy: state.status === "busy", run, stop, reset };
}
