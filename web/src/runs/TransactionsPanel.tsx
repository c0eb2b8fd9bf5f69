/** The run's newest transactions. */
import { memo } from "react";
import { shortAddress } from "../lib/format.ts";
import { AddressText, Badge, Card, CopyText, ExternalIcon, RelativeTime, Table } from "../ui/index.ts";
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
          { key: "when", header: "When", align: "end", cell: ({ atMs }) => (atMs === null ? "–" : <RelativeTime ms={atMs} />) },
          {
            key: "signature",
            header: "Transaction",
            align: "end",
            cell: ({ signature }) =>
              explorerUrl === undefined ? (
                <CopyText label={`transaction ${shortAddress(signature)}`} text={signature}>
                  <span className="font-mono text-[0.925em]">{shortAddress(signature)}</span>
                </CopyText>
              ) : (
                <a
                  className="inline-flex items-center gap-1 font-mono text-[0.925em] text-accent underline underline-offset-2"
                  href={explorerUrl.replace("{signature}", encodeURIComponent(signature))}
                  rel="noreferrer"
                  target="_blank"
                >
                  {shortAddress(signature)}
                  <ExternalIcon className="size-4" />
                  <span className="sr-only">(opens in a new tab)</span>
                </a>
              ),
          },
        ]}
        empty="None was found yet."
        rowKey={({ signature }) => signature}
        rows={transactions.slice(0, 8)}
      />
    </Card>
  );
});
