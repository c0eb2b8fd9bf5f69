/** What the run does this moment, with the time left ticking. */
import { formatDuration, formatNumber } from "../lib/format.ts";
import { Card, classes, ProgressBar, useNowMs } from "../ui/index.ts";
import type { Connection, RunView } from "../watch/protocol.ts";
import { CYCLE, PHASES, phaseSentence, phaseShare, timeLeftMs } from "./phaseText.ts";

export function PhasePanel({ view, connection }: { view: RunView; connection: Connection }) {
  const nowMs = useNowMs();
  const { runState, epoch, roundOfEpoch, roundsOfEpoch, step, totalSteps, phaseStartedMs, phaseEndsMs } = view;
  const phase = PHASES[runState];
  const leftMs = timeLeftMs(phaseEndsMs, nowMs, connection);
  const isLive = connection.kind === "live";
  const isDone = runState === "Finished";
  const isEpochOver = isDone || runState === "Cooldown";
  return (
    <Card title="Now">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
        {/* the phase is read out as it changes, the ticking is not */}
        <p aria-live="polite" className="text-xl font-semibold" data-testid="phase">
          {phase.label}
        </p>
        <p className="tabular text-muted">
          {leftMs === 0 ? (
            "its time is over"
          ) : leftMs !== null ? (
            <>
              at most <span className="text-xl font-semibold text-text">{formatDuration(leftMs)}</span> left
            </>
          ) : phaseStartedMs !== null && isLive ? (
            <>for {formatDuration(Math.max(0, Math.floor((nowMs - phaseStartedMs) / 1000) * 1000))}</>
          ) : null}
        </p>
      </div>
      <p className="mt-1 max-w-prose">{phaseSentence(view)}</p>
      <ol aria-label="Phases of an epoch" className="mt-4 grid grid-cols-5 gap-1">
        {CYCLE.map((one) => {
          const isNow = one === runState;
          return (
            <li aria-current={isNow ? "step" : undefined} className="min-w-0" key={one}>
              <div className={classes("h-1.5 overflow-hidden rounded-full", isNow ? "bg-accent-soft" : "bg-line")}>
                {isNow && (
                  <div
                    className="h-full origin-left rounded-full bg-accent transition-transform duration-1000 ease-linear"
                    style={{ transform: `scaleX(${(isLive ? phaseShare(phaseStartedMs, phaseEndsMs, nowMs) : null) ?? 1})` }}
                  />
                )}
              </div>
              <span className={classes("mt-1 block text-[0.6875rem] sm:text-xs", isNow ? "font-semibold" : "text-muted")}>
                <span className="sm:hidden">{PHASES[one].short}</span>
                <span className="max-sm:hidden">{PHASES[one].label}</span>
              </span>
            </li>
          );
        })}
      </ol>
      <div className="mt-5 grid gap-4 sm:grid-cols-2">
        <ProgressBar
          label={`Epoch ${formatNumber(epoch)}`}
          text={
            roundOfEpoch === 0
              ? isEpochOver
                ? "all rounds are done"
                : "no round yet"
              : roundsOfEpoch === null
                ? `round ${formatNumber(roundOfEpoch)}`
                : `round ${formatNumber(roundOfEpoch)} of ${formatNumber(roundsOfEpoch)}`
          }
          value={
            roundOfEpoch === 0
              ? Number(isEpochOver)
              : roundsOfEpoch === null
                ? phaseShare(view.epochStartedMs, view.epochEndsMs, nowMs)
                : roundOfEpoch / roundsOfEpoch
          }
        />
        <ProgressBar
          label={isDone ? "All steps are done" : "Steps of the run"}
          text={`${formatNumber(isDone ? totalSteps : step)} of ${formatNumber(totalSteps)}`}
          value={isDone ? 1 : totalSteps === 0 ? 0 : Math.max(0, step - 1) / totalSteps}
        />
      </div>
    </Card>
  );
}
