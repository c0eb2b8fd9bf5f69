/** The claims so far, from the transactions that the network's nodes keep; read when it is opened. */
import { claimHistory } from "@starling/sdk/actions/claimHistory";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useChain } from "../chain/useChain.ts";
import { explain } from "../lib/explain.ts";
import { Alert, Button, Skeleton, Table } from "../ui/index.ts";
import { amountOf } from "./amounts.ts";
import type { PanelProps } from "./MembershipCard.tsx";
import { TransactionLink } from "./TransactionLink.tsx";

export function ClaimsPanel({ membership, owner }: PanelProps) {
  const { chain, cluster } = useChain();
  const [isOpen, setOpen] = useState(false);
  const claimed = membership.member?.claimed ?? 0n;
  const query = useQuery({
    // each claim makes it another history
    queryKey: ["claims", cluster.name, membership.run, owner, String(claimed)],
    queryFn: () => claimHistory(chain, membership.run, owner),
    enabled: isOpen,
    staleTime: Infinity,
    structuralSharing: false,
  });
  const found = (query.data?.claims ?? []).reduce((sum, { units }) => sum + units, 0n);
  return (
    <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-pointer font-medium">Claims so far</summary>
      <div className="mt-3 space-y-3" aria-busy={query.isFetching}>
        {query.isPending && isOpen && <Skeleton className="h-16 w-full" />}
        {query.isError && (
          <Alert
            action={
              <Button onClick={() => void query.refetch()} size="small">
                Try again
              </Button>
            }
            title="The history cannot be read"
            tone="warn"
          >
            {explain(query.error).text} The sums above do not depend on it.
          </Alert>
        )}
        {query.data !== undefined && (
          <>
            <Table
              caption="Claims, newest first"
              columns={[
                { key: "when", header: "When", cell: ({ atMs }) => (atMs === null ? "not told" : new Date(atMs).toLocaleString()) },
                { key: "amount", header: "Amount", align: "end", cell: ({ units }) => amountOf(membership, units) },
                {
                  key: "signature",
                  header: "Transaction",
                  align: "end",
                  cell: ({ signature }) => <TransactionLink signature={signature} />,
                },
              ]}
              empty="The network's nodes keep none of the transactions any more."
              rowKey={({ signature }) => signature}
              rows={query.data.claims}
            />
            {found !== claimed && (
              <p className="text-sm text-muted">
                These are {amountOf(membership, found)} of {amountOf(membership, claimed)}: the nodes do not keep what is older, or the
                points were paid in another way.
              </p>
            )}
          </>
        )}
      </div>
    </details>
  );
}
