/** Transactions that wait for a person's word, before the wallet is asked. One is shown at a time. */
import { ActionError } from "@starling/sdk/actions/errors";
import type { Review } from "@starling/sdk/actions/chain";
import type { Progress } from "@starling/sdk/actions/progress";
import { useSyncExternalStore } from "react";

export interface ReviewRequest {
  review: Review;
  /** label of the cluster */
  network: string;
  /** where the transaction is one of several of an action */
  step: Progress | null;
  signal: AbortSignal;
}

export interface PendingReview extends ReviewRequest {
  /** `all`: the rest of this action's transactions need not be shown */
  answer(answer: "no" | "yes" | "all"): void;
}

let waiting: readonly PendingReview[] = [];
const listeners = new Set<() => void>();

function change(next: readonly PendingReview[]): void {
  waiting = next;
  for (const listener of listeners) listener();
}

/** Resolves to whether the rest may go unshown. Errors: ActionError cancelled. */
export function askReview(request: ReviewRequest): Promise<{ all: boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ all: boolean }>();
  const cancel = () => pending.answer("no");
  const pending: PendingReview = {
    ...request,
    answer: (answer) => {
      if (!waiting.includes(pending)) return;
      request.signal.removeEventListener("abort", cancel);
      change(waiting.filter((one) => one !== pending));
      // what would fail is not sent: the reason is the action's error, better than "cancelled"
      if (request.review.error !== null) resolve({ all: false });
      else if (answer === "no") reject(new ActionError("cancelled", `You did not approve it: ${request.review.what}. Nothing was sent.`));
      else resolve({ all: answer === "all" });
    },
  };
  if (request.signal.aborted) reject(new ActionError("cancelled", "This was stopped before it was sent."));
  else {
    request.signal.addEventListener("abort", cancel);
    change([...waiting, pending]);
  }
  return promise;
}

/** For a single transaction. Errors: ActionError cancelled. */
export async function requestReview(request: ReviewRequest): Promise<void> {
  await askReview(request);
}

/** The one to show now; null: none */
export const firstPendingReview = (): PendingReview | null => waiting[0] ?? null;

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

export const usePendingReview = (): PendingReview | null => useSyncExternalStore(subscribe, firstPendingReview);
