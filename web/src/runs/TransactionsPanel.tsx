/** The run's newest transactions. */
import { memo } from "react";
import { AddressText, Badge, Card, RelativeTime, Table, TransactionText } from "../ui/index.ts";
import type { RunTransaction } from "../watch/protocol.ts";

export interface TransactionsPanelProps {
  transactions: readonly RunTransaction[];
  /** with {signature} */
  explorerUrl: string | undefined;
}

export const TransactionsPanel = memo(function TransactionsPanel({ transactions, explorerUrl }: TransactionsPanelProps) {
  return (
    <Card description="Everything that the run does stands on the chain." title="Last transactions">
      <Table
        caption="Last transactions of the run, newest first"
        columns={[
          {
            key: "what",
            header: "What",
            cell: ({ text, isOk }) => (
              <span className="inline-flex flex-wrap items-center gap-2">
                {text ?? <span className="text-muted">not read</span>}
                {!isOk && <Badge tone="bad">Refused</Badge>}
              </span>
            ),
          },
          {
            key: "by",
            header: "Paid by",
            cell: ({ by }) => (by === null ? <span className="text-muted">–</span> : <AddressText address={by} label="payer" />),
          },
          { key: "when", header: "When", align: "end", cell: ({ atMs }) => (atMs === null ? "–" : <RelativeTime isPast ms={atMs} />) },
          {
            key: "signature",
            header: "Transaction",
            align: "end",
            cell: ({ signature }) => <TransactionText explorerUrl={explorerUrl} signature={signature} />,
          },
        ]}
        empty="None was found yet."
        rowKey={({ signature }) => signature}
        rows={transactions.slice(0, 8)}
      />
    </Card>
  );
});
