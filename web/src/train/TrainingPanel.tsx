/** The tab while it trains: what it does, how it goes, and what the person allows. */
import { lazy, Suspense } from "react";
import { formatBytes, formatCompact, formatNumber } from "../lib/format.ts";
import { Alert, Badge, Button, Card, Duration, ProgressBar, Skeleton, Slider, Figure, Switch, useNowMs, type Tone } from "../ui/index.ts";
import type { FailureCode, TrainLimits } from "../worker/protocol.ts";
import { canSeeBattery } from "./conditions.ts";
import { leaveTraining, pauseTraining, setTrainingLimits, type Training } from "./training.ts";
import { isOver, stateSentence } from "./trainingView.ts";

const LineChart = lazy(() => import("../runs/LineChart.tsx"));

const WORDS: Record<Training["view"]["state"]["kind"], { label: string; tone: Tone }> = {
  reaching: { label: "Connecting", tone: "info" },
  preparing: { label: "Preparing", tone: "info" },
  joined: { label: "Taking part", tone: "good" },
  paused: { label: "Paused", tone: "warn" },
  leaving: { label: "Leaving", tone: "info" },
  left: { label: "Left", tone: "neutral" },
  finished: { label: "Finished", tone: "good" },
  failed: { label: "Stopped", tone: "bad" },
};

const FAILURE_TITLES: Partial<Record<FailureCode, string>> = {
  "identity-in-use": "Another tab trains already",
  adapter: "The graphics adapter does not do",
  "too-large": "This model is too large for this adapter",
  data: "The training data cannot be read",
  refused: "The run does not let this tab in",
};

function sentence(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

export function TrainingPanel({ training }: { training: Training }) {
  const { view, limits, paused } = training;
  const { state, facts, engine, member, model, connection, notices } = view;
  const word = WORDS[state.kind];
  const over = isOver(state);
  return (
    <div className="space-y-5">
      <Card
        actions={
          !over && (
            <>
              <Button disabled={state.kind === "leaving"} onClick={() => pauseTraining(!paused)}>
                {paused ? "Resume" : "Pause"}
              </Button>
              <Button busy={state.kind === "leaving"} onClick={() => void leaveTraining()} variant="danger">
                Leave the run
              </Button>
            </>
          )
        }
        title="Training in this tab"
      >
        <div className="space-y-4">
          <div className="flex flex-wrap items-center gap-2">
            {/* what changes every second is not read out */}
            <span role="status">
              <Badge tone={word.tone}>{word.label}</Badge>
            </span>
            <span>{state.kind === "failed" ? "" : stateSentence(view)}</span>
          </div>
          {state.kind === "failed" && (
            <Alert
              title={FAILURE_TITLES[state.code] ?? "This tab stopped training"}
              tone={state.code === "identity-in-use" ? "warn" : "bad"}
            >
              {sentence(state.text)} Points that it has earned stay earned.
            </Alert>
          )}
          {connection !== null && !over && (
            <Alert title="This tab cannot take part at the moment" tone="warn">
              {sentence(connection)} The tab tries again by itself; nothing earned is lost.
            </Alert>
          )}
          {model !== null && (
            <ProgressBar
              label="Model from other members"
              max={model.sizeBytes}
              text={`${formatBytes(model.verifiedBytes)} of ${formatBytes(model.sizeBytes)}, from ${model.providers}`}
              value={model.verifiedBytes}
            />
          )}
          {facts !== null && <Figures training={training} />}
          {view.doing !== "" && !over && <p className="text-sm text-muted">Lately it {view.doing}.</p>}
        </div>
      </Card>

      {view.losses.length > 0 && (
        <div className="grid gap-5 lg:grid-cols-2">
          <Chart
            colour="--chart-1"
            format={(value) => value.toFixed(3)}
            points={view.losses}
            title="Loss of this tab's batches"
            unit="nats a token"
          />
          <Chart colour="--chart-2" format={formatCompact} points={view.speeds} title="Speed of this tab" unit="tokens/s while training" />
        </div>
      )}

      {!over && <LimitsCard limits={limits} />}

      {notices.length > 0 && (
        <Card title="What happened">
          <ul className="list-disc space-y-1 pl-5 text-sm break-words">
            {notices.map((text, n) => (
              <li key={`${n} ${text}`}>{text}</li>
            ))}
          </ul>
        </Card>
      )}

      {!over && (
        <p className="text-sm text-muted">
          Closing this tab ends its part in the round under way, and nothing else: points already earned are kept by the run, and{" "}
          {paused ? "it stays paused until you join again" : "the tab goes on by itself when you open this page again"}.
          {engine !== null && ` Adapter: ${engine.adapter} (${engine.profile} kernels, ${engine.precision}).`}
          {member !== null && ` Known to its peers as ${member.peerId.slice(0, 8)}.`}
        </p>
      )}
    </div>
  );
}

function Figures({ training: { view } }: { training: Training }) {
  const { facts, losses, speeds, trainedRounds, trainedTokens } = view;
  const now = useNowMs();
  const loss = losses.at(-1);
  const recent = speeds.slice(-10);
  const speed = recent.length === 0 ? null : recent.reduce((sum, { y }) => sum + y, 0) / recent.length;
  const { earned, slashed, connected, members, epoch, round, rounds, phaseEndsMs, receivedBytes, sentBytes, slot } = facts!;
  return (
    <div aria-label="Training figures" className="grid grid-cols-2 gap-x-4 gap-y-5 sm:grid-cols-3 lg:grid-cols-4" role="group">
      <Figure
        hint={slashed > 0n ? `${formatNumber(slashed)} taken away` : "in this sitting"}
        label="Points earned"
        value={formatNumber(earned)}
      />
      <Figure
        hint={loss === undefined ? "no batch yet" : `step ${formatNumber(loss.x)}`}
        label="Loss"
        value={loss === undefined ? "–" : loss.y.toFixed(3)}
      />
      <Figure hint="while training" label="Speed" unit="tokens/s" value={speed === null ? "–" : formatCompact(speed)} />
      <Figure hint={`${formatCompact(trainedTokens)} tokens`} label="Rounds trained" value={formatNumber(trainedRounds)} />
      <Figure hint={`of ${members} members`} label="Peers connected" value={formatNumber(connected)} />
      <Figure
        hint={round > 0 ? `round ${round}${rounds > 0 ? ` of ${rounds}` : ""}` : "between rounds"}
        label="Epoch"
        value={formatNumber(epoch)}
      />
      <Figure
        hint="at the latest"
        label="Phase ends in"
        value={phaseEndsMs === null ? "–" : <Duration ms={Math.max(0, phaseEndsMs - now)} />}
      />
      <Figure hint={`${formatBytes(sentBytes)} sent`} label="Received" value={formatBytes(receivedBytes)} />
      {slot?.isWitness && (
        <p className="col-span-full text-sm text-muted">In this round the tab is a witness too: it reports whose results it holds.</p>
      )}
    </div>
  );
}

interface ChartProps {
  title: string;
  unit: string;
  colour: string;
  points: readonly { x: number; y: number }[];
  format(value: number): string;
}

function Chart({ title, unit, colour, points, format }: ChartProps) {
  const first = points[0]!;
  const last = points.at(-1)!;
  const words = `${title}, ${unit}: ${format(first.y)} at step ${first.x}, ${format(last.y)} at step ${last.x}`;
  return (
    <Card description={unit} title={title}>
      <Suspense fallback={<Skeleton className="h-56 w-full" />}>
        <LineChart colour={colour} format={format} label={words} series={points} trend={null} />
      </Suspense>
    </Card>
  );
}

function LimitsCard({ limits }: { limits: TrainLimits }) {
  const set = (change: Partial<TrainLimits>): void => setTrainingLimits({ ...limits, ...change });
  return (
    <Card description="Kept for the next time." title="How much of this computer">
      <div className="space-y-5">
        <Slider
          format={(value) => `${value} %`}
          hint="Share of the time in which the graphics adapter works for the run. With little of it the tab may be too slow for the run's rounds: then it gives its place in the epoch up and keeps nobody waiting."
          label="Work"
          max={100}
          min={10}
          onChange={(dutyPercent) => set({ dutyPercent })}
          step={10}
          value={limits.dutyPercent}
        />
        <Switch
          checked={limits.pauseWhenHidden}
          hint="Rests while another tab or window covers this page."
          label="Only while this page is visible"
          onChange={(pauseWhenHidden) => set({ pauseWhenHidden })}
        />
        <Switch
          checked={limits.onlyWhenPluggedIn && canSeeBattery}
          disabled={!canSeeBattery}
          hint={
            canSeeBattery
              ? "Rests while the computer runs on its battery."
              : "This browser does not tell pages where the current comes from."
          }
          label="Only while plugged in"
          onChange={(onlyWhenPluggedIn) => set({ onlyWhenPluggedIn })}
        />
      </div>
    </Card>
  );
}
