/** What a transaction will do, in plain words, before the wallet is asked to sign it. Stands once in the app (ReviewHost.tsx). */
import { useState } from "react";
import { explain } from "../lib/explain.ts";
import { formatSol } from "../lib/format.ts";
import { AddressText, Alert, Badge, Button, Checkbox, Dialog } from "../ui/index.ts";
import { usePendingReview, type PendingReview } from "./reviews.ts";

export default function ReviewDialog() {
  const pending = usePendingReview();
  return pending === null ? (
    <Dialog onClose={() => {}} open={false} title="">
      {null}
    </Dialog>
  ) : (
    <Shown key={`${pending.step?.step ?? 0} ${pending.review.what}`} pending={pending} />
  );
}

function Shown({ pending }: { pending: PendingReview }) {
  const { review, network, step, answer } = pending;
  const [all, setAll] = useState(false);
  const hasMore = step !== null && step.of !== null && step.of > step.step;
  const wouldFail = review.error !== null;
  return (
    <Dialog
      footer={
        wouldFail ? (
          <Button onClick={() => answer("no")} variant="primary">
            Close
          </Button>
        ) : (
          <>
            <Button onClick={() => answer("no")}>Cancel</Button>
            <Button onClick={() => answer(all ? "all" : "yes")} variant="primary">
              Continue in wallet
            </Button>
          </>
        )
      }
      onClose={() => answer("no")}
      open
      title={`Review: ${review.what}`}
    >
      <div className="space-y-4">
        <div className="flex flex-wrap items-center gap-2">
          {step !== null && step.of !== null && step.of > 1 && (
            <Badge tone="info">
              Step {step.step} of {step.of}
            </Badge>
          )}
          <Badge>{network}</Badge>
        </div>
        {review.error !== null && (
          <Alert title="This would fail now, so it is not sent" tone="bad">
            {explain(review.error).text}
          </Alert>
        )}
        <div>
          <h3 className="text-sm font-medium text-muted">This transaction will</h3>
          <ol className="mt-1.5 list-decimal space-y-1.5 pl-5 marker:text-muted">
            {review.lines.map((line, i) => (
              <li className="break-words" key={`${i} ${line}`}>
                {line}
              </li>
            ))}
          </ol>
        </div>
        <dl className="grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1.5 rounded-lg bg-sunken p-3 text-sm sm:px-4">
          <dt className="text-muted">Network fee</dt>
          <dd className="text-right tabular">{formatSol(review.feeLamports)}</dd>
          <dt className="text-muted">{isPaidBack(review.rentLamports) ? "Comes back to you" : "Also leaves the wallet"}</dt>
          <dd className="text-right tabular">{moved(review.rentLamports)}</dd>
          <dt className="text-muted">Paid by</dt>
          <dd className="justify-self-end">
            <AddressText address={review.feePayer} label="fee payer" />
          </dd>
        </dl>
        {hasMore && !wouldFail && (
          <Checkbox
            checked={all}
            hint="Your wallet still asks you each time."
            label={`Do not show me the other ${step.of! - step.step === 1 ? "step" : `${step.of! - step.step} steps`} here`}
            onChange={(event) => setAll(event.target.checked)}
          />
        )}
      </div>
    </Dialog>
  );
}

const isPaidBack = (lamports: bigint | null): boolean => lamports !== null && lamports < 0n;

function moved(lamports: bigint | null): string {
  if (lamports === null) return "not known before it is sent";
  return formatSol(lamports < 0n ? -lamports : lamports);
}
