/** The permission that the wallet gave: until when, what it holds, and how it comes back. */
import { address } from "@solana/kit";
import { formatSol, parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { requireRunHead } from "@starling/sdk/actions/run";
import { closeSession, findSession, openSession, type ClosedSession, type OpenedSession } from "@starling/sdk/actions/session";
import { useQuery } from "@tanstack/react-query";
import { ActionStatus, Failure } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { useChain } from "../chain/useChain.ts";
import { formatDuration } from "../lib/format.ts";
import { Alert, Button, Card, Skeleton, Stat, useNowMs } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { loadIdentity } from "../worker/store/identityStore.ts";
import { seedSigner, sessionTransactionSigner } from "../worker/store/transactionSigner.ts";
import { DEFAULT_DAYS, DEFAULT_FLOAT_SOL } from "./sessionTerms.ts";
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
  const renewal = useAction<OpenedSession>();
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
  const renew = async (): Promise<void> => {
    await renewal.run(async ({ chain: own, wallet: signer, tell }) => {
      const record = (await loadIdentity(identity))!;
      const floatLamports = parseAmount(DEFAULT_FLOAT_SOL, SOL_DECIMALS, "the float");
      const key = await sessionTransactionSigner(record);
      return openSession(own, signer, { runId, session: key, peer: seedSigner(record.peerSeed), days: DEFAULT_DAYS, floatLamports }, tell);
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
            <div aria-label="Session" className="grid gap-4 sm:grid-cols-2" role="group">
              <Stat
                hint="then anyone may close it; the rest goes to your wallet"
                label="Ends in"
                value={facts.expiresMs > now ? formatDuration(facts.expiresMs - now) : "ended"}
              />
              <Stat hint="returnable" label="Left for fees" value={formatSol(facts.floatLamports + facts.keyLamports)} />
            </div>
            <div className="flex flex-wrap gap-2">
              <Button busy={renewal.isBusy} disabled={wallet.address !== owner || action.isBusy} onClick={() => void renew()}>
                Renew and top up
              </Button>
              <Button
                busy={action.isBusy}
                disabled={wallet.address !== owner || renewal.isBusy}
                onClick={() => void close()}
                variant="danger"
              >
                Stop and take the float back
              </Button>
            </div>
            {wallet.address !== owner && <p className="text-sm text-muted break-words">Both need the wallet {owner}: connect it.</p>}
          </>
        )}
        <ActionStatus
          action={renewal}
          done={({ type, floatLamports }) => (
            <Alert title={type === "nothing" ? "Nothing had to be done" : "Renewed"} tone="good">
              {type === "nothing"
                ? "More than a third of its time and a quarter of its float are left."
                : `${formatSol(floatLamports)} are there for fees.`}
            </Alert>
          )}
          onRetry={() => void renew()}
        />
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
