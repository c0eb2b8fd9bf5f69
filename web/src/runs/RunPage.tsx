/** One run: what it does now, how it went, who takes part, what it is. */
import { Link, useParams } from "react-router";
import { findSource, useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { Badge, CopyText, EmptyState, LinkButton, Skeleton } from "../ui/index.ts";
import { useRun } from "../watch/useWatch.ts";
import { ClientsPanel } from "./ClientsPanel.tsx";
import { ConfigPanel } from "./ConfigPanel.tsx";
import { ConnectionNote, connectionWord } from "./ConnectionNote.tsx";
import { FactsPanel } from "./FactsPanel.tsx";
import { FiguresPanel } from "./FiguresPanel.tsx";
import { HistoryPanel } from "./HistoryPanel.tsx";
import { ModelPanel } from "./ModelPanel.tsx";
import { PHASES } from "./phaseText.ts";
import { PhasePanel } from "./PhasePanel.tsx";
import { TransactionsPanel } from "./TransactionsPanel.tsx";

export default function RunPage() {
  const { source = "", runId = "" } = useParams();
  const place = findSource(useRuntimeConfig(), source);
  const run = useRun(source, runId);
  const { view, connection, transactions } = run;
  const path = `/run/${source}/${encodeURIComponent(runId)}`;
  const word = connectionWord(connection);
  return (
    <div className="space-y-5">
      <title>{`${view?.name ?? runId} · Starling`}</title>
      <header className="space-y-2">
        <Link className="text-sm text-muted underline-offset-2 hover:underline" to="/">
          All runs
        </Link>
        <div className="flex flex-wrap items-start justify-between gap-3">
          <div className="min-w-0">
            <h1 className="text-2xl font-semibold break-words">{view?.name ?? runId}</h1>
            <div className="mt-1 flex flex-wrap items-center gap-2 text-sm text-muted">
              <span>{place?.label ?? source}</span>
              <CopyText label="run id" text={runId} />
              <span aria-live="polite">
                <Badge tone={word.tone}>{word.label}</Badge>
              </span>
              {view !== null && <Badge tone={PHASES[view.runState].tone}>{PHASES[view.runState].label}</Badge>}
            </div>
          </div>
          <nav aria-label="This run" className="flex flex-wrap gap-2">
            {place?.kind === "chain" && <LinkButton to={`${path}/manage`}>Manage</LinkButton>}
            <LinkButton to={`${path}/train`} variant="primary">
              Train in this tab
            </LinkButton>
          </nav>
        </div>
        {view !== null && view.description !== "" && view.description !== place?.label && <p className="max-w-prose">{view.description}</p>}
      </header>
      <ConnectionNote connection={connection} hasData={view !== null} />
      {view === null ? (
        connection.kind === "missing" || connection.kind === "refused" ? (
          <EmptyState
            action={
              <LinkButton to="/" variant="primary">
                See all runs
              </LinkButton>
            }
            title={connection.kind === "missing" ? `No run "${runId}" here` : "This run cannot be followed"}
          >
            {connection.kind === "missing" ? "The page goes on looking for it." : "The reason stands above."}
          </EmptyState>
        ) : (
          <div aria-busy="true" className="space-y-4">
            <Skeleton className="h-44 w-full" />
            <Skeleton className="h-28 w-full" />
            <Skeleton className="h-72 w-full" />
          </div>
        )
      ) : (
        <>
          <PhasePanel connection={connection} view={view} />
          <FiguresPanel points={run.points} view={view} />
          <HistoryPanel info={run.info} older={run.older} outOfOrder={run.outOfOrder} points={run.points} />
          <ClientsPanel isLive={connection.kind === "live"} view={view} />
          <div className="grid gap-5 lg:grid-cols-2">
            <ModelPanel points={run.points} view={view} />
            <FactsPanel view={view} />
          </div>
          {view.chain !== null && (
            <TransactionsPanel explorerUrl={place?.kind === "chain" ? place.cluster.explorerUrl : undefined} transactions={transactions} />
          )}
          <ConfigPanel config={view.config} />
        </>
      )}
    </div>
  );
}
