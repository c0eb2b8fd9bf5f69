/** The way out of a run: bond, then sessions and accounts; all deposits come back. */
import { withdrawBond, type BondWithdrawal } from "@starling/sdk/actions/bond";
import { closeMembership, type ClosedMembership } from "@starling/sdk/actions/closeMembership";
import { ActionStatus } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { useChain } from "../chain/useChain.ts";
import { formatSol } from "../lib/format.ts";
import { Alert, Button, showToast } from "../ui/index.ts";
import { returnable } from "./amounts.ts";
import type { PanelProps } from "./MembershipCard.tsx";
import { keyOfThisBrowser } from "./sessionKey.ts";

export function EndPanel({ membership, owner, refresh }: PanelProps) {
  const { cluster } = useChain();
  const ending = useAction<ClosedMembership>();
  const unbonding = useAction<BondWithdrawal>();
  const { run, runId, state, member } = membership;
  const hasBond = state !== null && member !== null && member.bondLamports + member.unbondingLamports > 0n;
  const end = async (): Promise<void> => {
    const closed = await ending.run(({ chain, wallet, tell }) =>
      closeMembership(chain, wallet, { run, keyOf: (session) => keyOfThisBrowser(cluster.name, runId, owner, session) }, tell),
    );
    // its card goes with it: the note stays
    if (closed !== null)
      showToast({
        tone: "good",
        title: `${formatSol(closed.returnedLamports)} came back`,
        text: closed.keptLamports === 0n ? undefined : keptSentence(closed.keptLamports),
      });
    refresh();
  };
  const unbond = async (): Promise<void> => {
    await unbonding.run(({ chain, wallet }) => withdrawBond(chain, wallet, { runId: runId! }));
    refresh();
  };
  return (
    <div className="space-y-3 border-t border-line pt-4">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <p className="max-w-prose text-sm text-muted">
          {state === null
            ? "This run is closed: nothing can be earned or claimed in it any more, and your deposits can be taken back."
            : "Done with this run? Claim first and stop your machines; then the membership can be closed."}{" "}
          {formatSol(returnable(membership))} come back.
        </p>
        <div className="flex flex-wrap gap-2">
          {hasBond && (
            <Button busy={unbonding.isBusy} onClick={() => void unbond()} size="small">
              Withdraw bond
            </Button>
          )}
          <Button busy={ending.isBusy} onClick={() => void end()} size="small">
            Close membership
          </Button>
        </div>
      </div>
      <ActionStatus
        action={unbonding}
        done={({ paid, lamports }) => (
          <Alert title={paid ? `${formatSol(lamports)} came back` : "The bond is being withdrawn"} tone="good">
            {paid ? undefined : `${formatSol(lamports)} no longer count as a bond. After a whole epoch, withdraw once more to be paid.`}
          </Alert>
        )}
        onRetry={() => void unbond()}
      />
      <ActionStatus action={ending} onRetry={() => void end()} />
    </div>
  );
}

function keptSentence(lamports: bigint): string {
  return `${formatSol(lamports)} stay in the account of your claims until the run's treasury is closed.`;
}
