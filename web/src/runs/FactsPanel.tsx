/** Who may join, what it pays, who runs it. */
import type { ReactNode } from "react";
import { Link } from "react-router";
import { formatNumber, formatSol, formatTokens } from "../lib/format.ts";
import { AddressText, Card } from "../ui/index.ts";
import type { RunView } from "../watch/protocol.ts";

export function FactsPanel({ view }: { view: RunView }) {
  const { chain, earningRate, slashingRate } = view;
  const decimals = chain?.treasury?.decimals ?? null;
  // a point is worth a token's smallest unit
  const amount = (points: bigint): string => (decimals === null ? `${formatNumber(points)} points` : formatTokens(points, decimals));
  const facts: [label: string, value: ReactNode][] = [["Who may join", accessText(view)]];
  facts.push([
    "What it pays",
    earningRate === 0n
      ? "Nothing: rounds are trained for free."
      : `${amount(earningRate)} an epoch, shared by rounds taken part in${slashingRate > 0n ? `; a client that is ejected loses ${amount(slashingRate)}` : ""}.${chain !== null && chain.treasury === null ? " No treasury stands behind them: they are only counted." : ""}`,
  ]);
  if (chain !== null && chain.treasury !== null) {
    facts.push(["Paid in tokens of", <AddressText address={chain.treasury.mint} key="mint" label="mint" />]);
    if (chain.fundedPoints !== null && earningRate > 0n) facts.push(["Funded", fundedText(chain.fundedPoints, earningRate, amount)]);
  }
  if (chain !== null) {
    if (chain.minBondLamports > 0n) facts.push(["Bond", `Owners deposit at least ${formatSol(chain.minBondLamports)}.`]);
    facts.push(["Run by", <AddressText address={chain.mainAuthority} key="authority" label="authority" />]);
    facts.push(["Account", <AddressText address={chain.address} key="account" label="account of the run" />]);
    facts.push(["Created", new Date(chain.createdMs).toLocaleString()]);
    if (chain.clientVersion !== "") facts.push(["Client version", chain.clientVersion]);
  }
  return (
    <Card title="Taking part">
      <dl className="space-y-3">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt className="text-sm text-muted">{label}</dt>
            <dd className="break-words">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-4 text-sm text-muted">
        A tab of this browser can take part:{" "}
        <Link
          className="text-accent underline underline-offset-2"
          to={`/run/${view.key.source}/${encodeURIComponent(view.key.runId)}/train`}
        >
          train here
        </Link>
        .
      </p>
    </Card>
  );
}

/** An epoch promises only what was funded before it began. */
function fundedText(fundedPoints: bigint, earningRate: bigint, amount: (points: bigint) => string): string {
  if (fundedPoints < earningRate) return `${amount(fundedPoints)}: less than the coming epoch would pay.`;
  const epochs = fundedPoints / earningRate;
  return `${amount(fundedPoints)}: enough for ${formatNumber(epochs)} more ${epochs === 1n ? "epoch" : "epochs"}.`;
}

function accessText({ chain }: RunView): ReactNode {
  if (chain === null) return "Whoever reaches the coordinator; no wallet is needed.";
  switch (chain.access.kind) {
    case "anyone":
      return "Anyone with a wallet: the run has a public grant.";
    case "granted":
      return (
        <>
          Those to whom <AddressText address={chain.access.authority} label="join authority" /> gave a grant, and their delegates.
        </>
      );
    case "unknown":
      return "Not known yet.";
    default:
      return chain.access satisfies never;
  }
}
