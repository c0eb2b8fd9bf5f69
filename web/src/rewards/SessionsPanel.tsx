/** The sessions by which machines act for the wallet in this run, and the floats that pay their fees. */
import type { Address } from "@solana/kit";
import { closeSession, type ClosedSession } from "@starling/sdk/actions/session";
import type { OwnedSession } from "@starling/sdk/actions/memberships";
import { useState } from "react";
import { ActionStatus } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { useChain } from "../chain/useChain.ts";
import { formatSol, shortAddress } from "../lib/format.ts";
import { AddressText, Badge, Button, RelativeTime, showToast, Table } from "../ui/index.ts";
import type { PanelProps } from "./MembershipCard.tsx";
import { keyOfThisBrowser } from "./sessionKey.ts";

export function SessionsPanel({ membership, owner, isOwn, refresh }: PanelProps) {
  const { cluster } = useChain();
  const action = useAction<ClosedSession>();
  const [chosen, setChosen] = useState<Address | null>(null);
  const { run, runId, sessions } = membership;
  const close = async (session: Address): Promise<void> => {
    setChosen(session);
    const closed = await action.run(async ({ chain, wallet }) => {
      const key = await keyOfThisBrowser(cluster.name, runId, owner, session);
      return closeSession(chain, wallet, { run, session, key });
    });
    // its row goes with it: the note stays
    if (closed !== null)
      showToast({
        tone: "good",
        title: closed.signature === null ? "It was closed already" : `${formatSol(closed.returnedLamports)} came back`,
      });
    refresh();
  };
  return (
    <div className="space-y-3">
      <div>
        <h3 className="font-medium">Sessions</h3>
        <p className="text-sm text-muted">
          A machine or tab trains for this wallet by a session key; its float pays the fees. Closing a session makes that machine leave the
          run, and what the session holds comes back.
        </p>
      </div>
      <Table
        caption="Sessions in this run"
        columns={[
          { key: "key", header: "Session key", cell: ({ session }) => <AddressText address={session} label="session key" /> },
          {
            key: "until",
            header: "Until",
            cell: ({ expiresMs, isExpired }) => (isExpired ? <Badge tone="warn">Expired</Badge> : <Until ms={expiresMs} />),
          },
          { key: "float", header: "Float", align: "end", cell: ({ floatLamports }) => formatSol(floatLamports) },
          { key: "deposit", header: "Deposit", align: "end", cell: ({ rentLamports }) => formatSol(rentLamports) },
          ...(isOwn
            ? [
                {
                  key: "close",
                  header: "Action",
                  align: "end" as const,
                  cell: ({ session }: OwnedSession) => (
                    <Button
                      aria-label={`Close and return, session ${shortAddress(session)}`}
                      busy={action.isBusy && chosen === session}
                      disabled={action.isBusy && chosen !== session}
                      onClick={() => void close(session)}
                      size="small"
                    >
                      Close and return
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
        rowKey={({ session }) => session}
        rows={sessions}
      />
      <ActionStatus action={action} onRetry={() => chosen !== null && void close(chosen)} />
    </div>
  );
}

function Until({ ms }: { ms: number }) {
  return Number.isSafeInteger(ms) && ms < 8.64e15 ? <RelativeTime ms={ms} /> : <>no end</>;
}
