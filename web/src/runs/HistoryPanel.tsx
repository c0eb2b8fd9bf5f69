/** How the run went: charts, the same as a table, and what of it was checked. */
import { lazy, memo, Suspense, useState } from "react";
import { formatCompact, formatLearningRate, formatLoss, formatNumber } from "../lib/format.ts";
import { Alert, Button, Card, RelativeTime, Skeleton, Spinner, Table, Tabs } from "../ui/index.ts";
import type { LiveRun } from "../watch/useWatch.ts";
import { downsample, type Measure, seriesOf, smoothed, summaryText, tableRows } from "./chartData.ts";

const LineChart = lazy(() => import("./LineChart.tsx"));

/** More than a screen has columns is drawn for nobody. */
const MOST_DRAWN = 1_600;
const MOST_ROWS = 50;
/** Fewer points than this show their trend by themselves. */
const SMOOTH_FROM = 24;

const MEASURES: { measure: Measure; name: string; unit: string; format: (value: number) => string; colour: string }[] = [
  { measure: "loss", name: "Loss", unit: "nats a token", format: formatLoss, colour: "--chart-1" },
  { measure: "tokensPerSecond", name: "Speed", unit: "tokens/s", format: formatCompact, colour: "--chart-2" },
  { measure: "learningRate", name: "Learning rate", unit: "", format: formatLearningRate, colour: "--chart-3" },
];

export const HistoryPanel = memo(function HistoryPanel({
  points,
  info,
  outOfOrder,
  older,
}: Pick<LiveRun, "points" | "info" | "outOfOrder" | "older">) {
  const [how, setHow] = useState<"charts" | "table">("charts");
  return (
    <Card
      actions={
        <>
          {info?.isLoading === true && (
            <span className="flex items-center gap-2 text-sm text-muted">
              <Spinner /> reading rounds
            </span>
          )}
          {info !== null && !info.isWhole && points.length > 0 && (
            <Button onClick={older} size="small">
              Read older rounds
            </Button>
          )}
        </>
      }
      description={
        points.length === 0
          ? undefined
          : `${formatNumber(points.length)} ${points.length === 1 ? "round" : "rounds"}${info?.isWhole === true ? "" : ", not all that there were"}`
      }
      title="History"
    >
      {(info?.text ?? null) !== null && (
        <div className="mb-3">
          <Alert title="History" tone="neutral">
            {info?.text}
          </Alert>
        </div>
      )}
      <Tabs
        label="How the history is shown"
        onChange={setHow}
        tabs={[
          { value: "charts", label: "Charts", content: <Charts points={points} /> },
          { value: "table", label: "Table", content: <HistoryTable points={points} /> },
        ]}
        value={how}
      />
      {info !== null && (
        <details className="mt-4 text-sm">
          <summary className="font-medium">How far these figures can be trusted</summary>
          <dl className="mt-2 max-w-prose space-y-1">
            <dt className="font-medium">Checked</dt>
            <dd className="text-muted">{info.checked}</dd>
            <dt className="font-medium">Believed</dt>
            <dd className="text-muted">{info.believed}</dd>
            {outOfOrder > 0 && (
              <>
                <dt className="font-medium">Left out</dt>
                <dd className="text-muted">{formatNumber(outOfOrder)} rounds whose step and time contradict later ones.</dd>
              </>
            )}
          </dl>
        </details>
      )}
    </Card>
  );
});

const Charts = memo(function Charts({ points }: { points: LiveRun["points"] }) {
  return (
    <div className="grid gap-6 lg:grid-cols-3">
      {MEASURES.map(({ measure, name, unit, format, colour }) => {
        const series = seriesOf(points, measure);
        const isNoisy = measure !== "learningRate" && series.length >= SMOOTH_FROM;
        const summary = summaryText(name, series, format);
        return (
          <figure className="min-w-0" key={measure}>
            <figcaption className="mb-1 text-sm font-medium">
              {name} {unit !== "" && <span className="font-normal text-muted">({unit}, by step)</span>}
            </figcaption>
            {series.length < 2 ? (
              <div className="grid h-56 place-items-center rounded-lg bg-sunken px-4 text-center text-sm text-muted">
                {series.length === 0
                  ? "No round has been reported yet."
                  : `Step ${series[0]!.x}: ${format(series[0]!.y)}. The line begins with the next round.`}
              </div>
            ) : (
              <Suspense fallback={<Skeleton className="h-56 w-full" />}>
                <LineChart
                  colour={colour}
                  format={format}
                  label={summary}
                  series={downsample(series, MOST_DRAWN)}
                  trend={isNoisy ? downsample(smoothed(series, Math.max(5, series.length / 20)), MOST_DRAWN) : null}
                />
              </Suspense>
            )}
            <p className="mt-1 text-sm text-muted">{summary}</p>
          </figure>
        );
      })}
    </div>
  );
});

function HistoryTable({ points }: { points: LiveRun["points"] }) {
  return (
    <>
      {points.length > MOST_ROWS && (
        <p className="mb-2 text-sm text-muted">
          {MOST_ROWS} rounds, evenly spread over {formatNumber(points.length)}, newest first.
        </p>
      )}
      <Table
        caption="Finished rounds, newest first"
        columns={[
          { key: "step", header: "Step", cell: ({ step }) => formatNumber(step) },
          { key: "loss", header: "Loss", align: "end", cell: ({ loss }) => formatLoss(loss) },
          { key: "speed", header: "Tokens/s", align: "end", cell: ({ tokensPerSecond }) => formatCompact(tokensPerSecond) },
          { key: "rate", header: "Learning rate", align: "end", cell: ({ learningRate }) => formatLearningRate(learningRate) },
          { key: "witnesses", header: "Witnesses", align: "end", cell: ({ witnesses }) => formatNumber(witnesses) },
          { key: "when", header: "When", align: "end", cell: ({ atMs }) => <RelativeTime isPast ms={atMs} /> },
        ]}
        empty="No round has been reported yet."
        rowKey={({ step }) => String(step)}
        rows={tableRows(points, MOST_ROWS)}
      />
    </>
  );
}
