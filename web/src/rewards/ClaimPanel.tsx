/** The claim, with what became of it. */
import { claimRewards, type Claimed } from "@starling/sdk/actions/claimRewards";
import { ActionStatus } from "../chain/ActionStatus.tsx";
import { CarriedOut } from "../chain/CarriedOut.tsx";
import { useAction } from "../chain/useAction.ts";
import { formatTokens } from "../lib/format.ts";
import { AddressText, Alert, Button } from "../ui/index.ts";
import { amountOf } from "./amounts.ts";
import type { PanelProps } from "./MembershipCard.tsx";
import { TransactionLink } from "./TransactionLink.tsx";

export function ClaimPanel({ membership, owner, refresh }: PanelProps) {
  const { runId, treasury, payable } = membership;
  const action = useAction<Claimed | "done-before">(runId === null ? null : `claim.${runId}.${owner}`);
  if (runId === null || treasury === null) return null;
  const claim = async (): Promise<void> => {
    await action.run(async ({ chain, wallet, tell, wasCarriedOut }) =>
      wasCarriedOut ? "done-before" : claimRewards(chain, wallet, { runId }, tell),
    );
    refresh();
  };
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button busy={action.isBusy} onClick={() => void claim()} variant={payable > 0n ? "primary" : "secondary"}>
          {payable > 0n ? `Claim ${amountOf(membership, payable)}` : "Claim"}
        </Button>
        <p className="text-sm text-muted">
          {payable > 0n
            ? "It goes to your own token account, which is opened where there is none yet."
            : membership.claimable > 0n
              ? "The treasury is empty: what you earned stays yours until it is topped up."
              : "Nothing to claim now: points are booked when an epoch ends."}
        </p>
      </div>
      <p className="flex flex-wrap items-center gap-x-1.5 text-sm text-muted">
        Paid in token <AddressText address={treasury.account.mint} label="token" />
      </p>
      <ActionStatus action={action} done={(claimed) => <Done claimed={claimed} />} onRetry={() => void claim()} />
    </div>
  );
}

function Done({ claimed }: { claimed: Claimed | "done-before" }) {
  if (claimed === "done-before") return <CarriedOut />;
  const { claimedUnits, leftUnits, decimals, balanceUnits, tokenAccount, signature } = claimed;
  const tokens = (units: bigint): string => formatTokens(units, decimals);
  if (claimedUnits === 0n)
    return (
      <Alert title={leftUnits > 0n ? "The treasury is empty" : "Nothing to claim"} tone="neutral">
        {leftUnits > 0n
          ? `${tokens(leftUnits)} stay claimable until it is topped up.`
          : `You earned ${tokens(claimed.earned)}, lost ${tokens(claimed.slashed)}, and claimed ${tokens(claimed.claimedBefore)} before.`}
      </Alert>
    );
  return (
    <Alert title={`Claimed ${tokens(claimedUnits)}`} tone={leftUnits > 0n ? "warn" : "good"}>
      <p>
        Your token account <AddressText address={tokenAccount} label="token account" /> holds {tokens(balanceUnits)}.
        {leftUnits > 0n && ` ${tokens(leftUnits)} more stay claimable: the treasury held no more.`}
      </p>
      {signature !== null && (
        <p>
          Transaction <TransactionLink signature={signature} />
        </p>
      )}
    </Alert>
  );
}
