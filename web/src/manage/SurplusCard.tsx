/** What the treasury of a closed run still holds, for its creator. */
import { withdrawSurplus, type Withdrawn } from "@starling/sdk/actions/withdrawSurplus";
import { ActionStatus } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { formatUnits } from "../lib/format.ts";
import { Button, Card, showToast, Stat } from "../ui/index.ts";
import type { ManagedRun } from "./useManagedRun.ts";

export function SurplusCard({ managed, refresh }: { managed: ManagedRun; refresh(): void }) {
  const action = useAction<Withdrawn>();
  const { treasury, decimals, runId } = managed;
  const send = (): void =>
    void action
      .run(({ chain, wallet }) => withdrawSurplus(chain, wallet, { runId }))
      .then((result) => {
        if (result === null) return;
        showToast({
          tone: "good",
          title: "The treasury is empty and closed",
          text: `${formatUnits(result.units, decimals)} tokens are in your wallet.`,
        });
        refresh();
      });
  return (
    <Card description="The run is closed; its treasury is still there." title="Withdraw the surplus">
      <div className="space-y-4">
        <Stat label="It holds" unit="tokens" value={formatUnits(treasury?.vaultUnits ?? 0n, decimals)} />
        <ActionStatus action={action} onRetry={send} />
        <Button busy={action.isBusy} onClick={send} variant="primary">
          Withdraw it all
        </Button>
      </div>
    </Card>
  );
}
