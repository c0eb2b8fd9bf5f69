/** The permission that the wallet gave: until when, what it holds, and how it comes back. */
import { address } from "@solana/kit";
import { formatSol } from "@starling/sdk/actions/amounts";
import { requireRunHead } from "@starling/sdk/actions/run";
import { closeSession, findSession, type ClosedSession } from "@starling/sdk/actions/session";
import { useQuery } from "@tanstack/react-query";
import { ActionStatus, Failure } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { useChain } from "../chain/useChain.ts";
import { formatDuration } from "../lib/format.ts";
import { Alert, Button, Card, Skeleton, Stat, useNowMs } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { loadIdentity } from "../worker/store/identityStore.ts";
import { sessionTransactionSigner } from "../worker/store/transactionSigner.ts";
import { leaveTraining } from "./training.ts";

const LOOK_EVERY_MS = 30_000;

/** Inside of a ChainGate. Nothing where this browser has no session for that owner. */
export default function SessionCard({
  cluster,
  runId,
  identity,
  owner,
}: {
  cluster: string;
  runId: string;
  identity: string;
  owner: string;
}) {
  const { chain } = useChain(cluster);
  const wallet = useWallet(cluster);
  const action = useAction<ClosedSession>();
  const now = useNowMs();
  const session = useQuery({
    queryKey: ["session", cluster, runId, identity],
    queryFn: async () => {
      const record = await loadIdentity(identity);
      if (!record) return null;
      const signer = await sessionTransactionSigner(record);
      return {
        address: signer.address,
        facts: await findSession(chain, await requireRunHead(chain, runId), address(owner), signer.address),
      };
    },
    refetchInterval: LOOK_EVERY_MS,
  });
  const close = async (): Promise<void> => {
    await leaveTraining();
    await action.run(async ({ chain: own, wallet: signer }) => {
      const record = await loadIdentity(identity);
      const key = record && (await sessionTransactionSigner(record));
      return closeSession(own, signer, { runId, session: session.data!.address, ...(key && { key }) });
    });
    await session.refetch();
  };
  const facts = session.data?.facts ?? null;
  if (session.isPending) return <Skeleton className="h-32 w-full" />;
  if (session.error !== null && facts === null) return <Failure error={session.error} onRetry={() => void session.refetch()} />;
  if (facts === null && action.state.status === "idle") return null;
  return (
    <Card title="What your wallet allowed">
      <div className="space-y-4">
        {facts !== null && (
          <>
            <div aria-label="Session" className="grid grid-cols-2 gap-4" role="group">
              <Stat
                hint="then anyone may close it; the rest goes to your wallet"
                label="Ends in"
                value={facts.expiresMs > now ? formatDuration(facts.expiresMs - now) : "ended"}
              />
              <Stat hint="returnable" label="Left for fees" value={formatSol(facts.floatLamports + facts.keyLamports)} />
            </div>
            <Button busy={action.isBusy} disabled={wallet.address !== owner} onClick={() => void close()} variant="danger">
              Stop and take the float back
            </Button>
            {wallet.address !== owner && <p className="text-sm text-muted">Connect the wallet {owner} to take it back.</p>}
          </>
        )}
        <ActionStatus
          action={action}
          done={({ returnedLamports }) => (
            <Alert title="The permission is closed" tone="good">
              {formatSol(returnedLamports)} went back to your wallet.
            </Alert>
          )}
          onRetry={() => void close()}
        />
      </div>
    </Card>
  );
}
