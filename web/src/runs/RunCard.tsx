/** One run of the list. */
import { Link } from "react-router";
import { formatDuration, formatLoss, formatNumber, formatTokensPerSecond } from "../lib/format.ts";
import { Badge, ProgressBar, useNowMs } from "../ui/index.ts";
import { isActive, progressOf } from "../watch/filters.ts";
import type { Connection, RunSummary } from "../watch/protocol.ts";
import { PHASES, timeLeftMs } from "./phaseText.ts";

export interface RunCardProps {
  run: RunSummary;
  sourceLabel: string;
  connection: Connection | undefined;
}

export function RunCard({ run, sourceLabel, connection }: RunCardProps) {
  const nowMs = useNowMs();
  const { key, name, description, runState, epoch, step, totalSteps, live, waiting, initMinClients } = run;
  const phase = PHASES[runState];
  const leftMs = connection === undefined ? null : timeLeftMs(run.phaseEndsMs, nowMs, connection);
  const facts: [label: string, value: string][] = [
    ["Epoch", formatNumber(epoch)],
    ["Clients", live === 0 && isActive(run) ? `${waiting} of ${initMinClients} waiting` : formatNumber(live)],
    ...(run.loss === null ? [] : ([["Loss", formatLoss(run.loss)]] satisfies [string, string][])),
    ...(run.tokensPerSecond === null ? [] : ([["Speed", formatTokensPerSecond(run.tokensPerSecond)]] satisfies [string, string][])),
    ...(run.earningRate === 0n ? [] : ([["Pays", `${formatNumber(run.earningRate)} points an epoch`]] satisfies [string, string][])),
  ];
  return (
    <article className="relative flex h-full flex-col gap-3 rounded-xl border border-line bg-surface p-4 shadow-card transition-colors focus-within:border-accent hover:border-line-strong">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="text-base font-semibold break-words">
            {/* the whole card is the link's target */}
            <Link className="after:absolute after:inset-0 after:rounded-xl" to={`/run/${key.source}/${encodeURIComponent(key.runId)}`}>
              {name}
            </Link>
          </h2>
          <p className="text-sm break-words text-muted">
            {sourceLabel}
            {name !== key.runId && ` · ${key.runId}`}
          </p>
        </div>
        <Badge tone={phase.tone}>{phase.label}</Badge>
      </div>
      {description !== "" && description !== sourceLabel && <p className="line-clamp-2 text-sm break-words">{description}</p>}
      <dl className="grid grid-cols-2 gap-x-4 gap-y-1 text-sm">
        {facts.map(([label, value]) => (
          <div className="flex min-w-0 justify-between gap-2" key={label}>
            <dt className="text-muted">{label}</dt>
            <dd className="tabular truncate">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="mt-auto">
        <ProgressBar
          label={runState === "Finished" ? "Done" : `Step ${formatNumber(step)} of ${formatNumber(totalSteps)}`}
          text={
            run.pendingPause
              ? "pausing"
              : leftMs === null
                ? undefined
                : leftMs === 0
                  ? undefined
                  : `${phase.short.toLowerCase()}: at most ${formatDuration(leftMs)}`
          }
          value={progressOf(run)}
        />
      </div>
    </article>
  );
}
