/** Who takes part, and how they do. */
import { useState } from "react";
import { formatNumber, shortAddress } from "../lib/format.ts";
import { AddressText, Badge, Button, Card, RelativeTime, Table, type Tone } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import type { ClientHealth, ClientRole, ClientView, RunView } from "../watch/protocol.ts";

const HEALTH: Record<ClientHealth, { label: string; tone: Tone }> = {
  healthy: { label: "Healthy", tone: "good" },
  late: { label: "Late", tone: "warn" },
  waiting: { label: "Waiting", tone: "info" },
  dropped: { label: "Dropped", tone: "bad" },
  left: { label: "Left", tone: "neutral" },
  ejected: { label: "Ejected", tone: "bad" },
};
const ROLE: Record<ClientRole, string> = { trainer: "Trainer", witness: "Witness", verifier: "Verifier" };
const FIRST_ROWS = 24;

/** The own ones first, then those that take part, by slot. */
function inOrder(clients: readonly ClientView[], own: string | null): ClientView[] {
  const rank = ({ owner, health }: ClientView): number =>
    owner === own ? 0 : health === "healthy" || health === "late" ? 1 : health === "waiting" ? 2 : 3;
  return clients.toSorted((a, b) => rank(a) - rank(b) || (a.slot ?? 1_000) - (b.slot ?? 1_000));
}

export function ClientsPanel({ view, isLive }: { view: RunView; isLive: boolean }) {
  const { address } = useWallet();
  const [showsAll, setShowsAll] = useState(false);
  const clients = inOrder(view.clients, address);
  const shown = showsAll ? clients : clients.slice(0, FIRST_ROWS);
  const hasPoints = view.earningRate > 0n || clients.some(({ earned, lifetimeEarned }) => earned > 0n || (lifetimeEarned ?? 0n) > 0n);
  const isMine = ({ owner }: ClientView): boolean => address !== null && owner === address;
  return (
    <Card
      actions={
        clients.length > FIRST_ROWS && (
          <Button onClick={() => setShowsAll(!showsAll)} size="small">
            {showsAll ? `Show ${FIRST_ROWS}` : `Show all ${formatNumber(clients.length)}`}
          </Button>
        )
      }
      description={
        address === null
          ? undefined
          : clients.some(isMine)
            ? "Your wallet's own stand first and are marked."
            : "Your wallet has no client in this run now."
      }
      title={`Clients (${formatNumber(clients.length)})`}
    >
      <Table
        caption="Clients of the run"
        columns={[
          {
            key: "owner",
            header: "Owner",
            cell: (client) => (
              <span className="inline-flex flex-wrap items-center gap-x-2">
                <AddressText address={client.owner} label="owner" />
                {isMine(client) && <Badge tone="info">You</Badge>}
              </span>
            ),
          },
          {
            key: "health",
            header: "Health",
            cell: ({ health, missedRounds }) => (
              <Badge tone={HEALTH[health].tone}>
                {HEALTH[health].label}
                {health === "late" && `: ${missedRounds} ${missedRounds === 1 ? "round" : "rounds"} missed`}
              </Badge>
            ),
          },
          {
            key: "roles",
            header: "Role now",
            cell: ({ roles }) =>
              roles.length === 0 ? <span className="text-muted">none</span> : roles.map((role) => ROLE[role]).join(", "),
          },
          { key: "rounds", header: "Rounds", align: "end", cell: ({ roundsTrained }) => formatNumber(roundsTrained) },
          ...(hasPoints
            ? [
                {
                  key: "points",
                  header: "Points",
                  align: "end" as const,
                  cell: ({ earned, slashed, lifetimeEarned }: ClientView) => (
                    <span>
                      {formatNumber((lifetimeEarned ?? 0n) + earned)}
                      {slashed > 0n && <span className="text-bad"> −{formatNumber(slashed)} slashed</span>}
                    </span>
                  ),
                },
              ]
            : []),
          {
            key: "seen",
            header: "Last seen",
            align: "end",
            cell: ({ lastSeenMs }) =>
              lastSeenMs === null ? (
                <span className="text-muted">not yet</span>
              ) : isLive ? (
                <RelativeTime isPast ms={lastSeenMs} />
              ) : (
                new Date(lastSeenMs).toLocaleTimeString()
              ),
          },
          {
            key: "peer",
            header: "Peer",
            align: "end",
            cell: ({ peerId, isReachable }) => (
              <span className="font-mono text-[0.925em]" title={peerId}>
                {shortAddress(peerId)}
                {isReachable === false && <span className="font-sans text-muted"> (not dialled)</span>}
              </span>
            ),
          },
        ]}
        empty={view.runState === "Finished" ? "The run is finished; nobody takes part any more." : "Nobody is here yet."}
        rowKey={({ session, slot }) => `${session} ${slot ?? "waiting"}`}
        rows={shown}
      />
    </Card>
  );
}
