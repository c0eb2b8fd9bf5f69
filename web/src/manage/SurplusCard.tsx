/** What the treasury of a closed run still holds, for its creator. */
import { withdrawSurplus, type Withdrawn } from "@starling/sdk/actions/withdrawSurplus";
import { ActionStatus } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { formatUnits } from "../lib/format.ts";
import { Alert, Button, Card, Stat } from "../ui/index.ts";
import type { ManagedRun } from "./useManagedRun.ts";

export function SurplusCard({ managed, refresh }: { managed: ManagedRun; refresh(): void }) {
  const action = useAction<Withdrawn>();
  const { treasury, decimals, runId } = managed;
  const send = (): void =>
    void action.run(({ chain, wallet }) => withdrawSurplus(chain, wallet, { runId })).then((result) => result !== null && refresh());
  return (
    <Card description="The run is closed; its treasury is still there." title="Withdraw the surplus">
      <div className="space-y-4">
        <Stat label="It holds" unit="tokens" value={formatUnits(treasury?.vaultUnits ?? 0n, decimals)} />
        <ActionStatus
          action={action}
          done={({ units }) => <Alert title={`${formatUnits(units, decimals)} tokens are in your wallet`} tone="good" />}
          onRetry={send}
        />
        <Button busy={action.isBusy} onClick={send} variant="primary">
          Withdraw it all
        </Button>
      </div>
    </Card>
  );
}
