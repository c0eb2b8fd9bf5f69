/** Stands once in the app: the review of a transaction, loaded with the first one. */
import { lazy, Suspense, useState } from "react";
import { usePendingReview } from "./reviews.ts";

const ReviewDialog = lazy(() => import("./ReviewDialog.tsx"));

export function ReviewHost() {
  const isPending = usePendingReview() !== null;
  const [wasPending, setWasPending] = useState(false);
  if (isPending && !wasPending) setWasPending(true);
  // it stays after the first: a dialog that closes gives the focus back
  return (
    wasPending && (
      <Suspense>
        <ReviewDialog />
      </Suspense>
    )
  );
}
