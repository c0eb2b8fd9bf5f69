import type { Address } from "@solana/kit";
import type { ActionError } from "@starling/sdk/actions/errors";
import { expect, it } from "vitest";
import { askReview, firstPendingReview, type ReviewRequest } from "./reviews.ts";

const request = (more: Partial<ReviewRequest> = {}, error: Error | null = null): ReviewRequest => ({
  review: { what: "claim", lines: ["x"], feePayer: "p" as Address, feeLamports: 5000n, rentLamports: null, error },
  network: "Devnet",
  step: null,
  signal: new AbortController().signal,
  ...more,
});

const outcome = (answer: Promise<{ all: boolean }>) => answer.catch((error: unknown) => (error as ActionError).code);

it("shows one at a time, in the order in which they came", async () => {
  const first = askReview(request());
  const second = askReview(request({ network: "Other" }));
  expect(firstPendingReview()?.network).toBe("Devnet");
  firstPendingReview()!.answer("yes");
  expect(await first).toEqual({ all: false });
  expect(firstPendingReview()?.network).toBe("Other");
  firstPendingReview()!.answer("all");
  expect(await second).toEqual({ all: true });
  expect(firstPendingReview()).toBeNull();
});

it("a no is a cancelled action, told once", async () => {
  const answer = outcome(askReview(request()));
  const pending = firstPendingReview()!;
  pending.answer("no");
  pending.answer("yes");
  expect(await answer).toBe("cancelled");
});

it("what would fail goes back to the chain, which throws why", async () => {
  const answer = outcome(askReview(request({}, new Error("too little SOL"))));
  firstPendingReview()!.answer("no");
  expect(await answer).toEqual({ all: false });
});

it("stopping the action closes its dialog, also before it was shown", async () => {
  const stop = new AbortController();
  const answer = outcome(askReview(request({ signal: stop.signal })));
  stop.abort();
  expect(await answer).toBe("cancelled");
  expect(firstPendingReview()).toBeNull();
  expect(await outcome(askReview(request({ signal: stop.signal })))).toBe("cancelled");
  expect(firstPendingReview()).toBeNull();
});
