/** The figures that people come for. */
import { memo } from "react";
import { formatCompact, formatLearningRate, formatLoss, formatNumber } from "../lib/format.ts";
import { Card, Figure } from "../ui/index.ts";
import type { HistoryPoint, RunView } from "../watch/protocol.ts";
import { recentMean, seriesOf } from "./chartData.ts";

/** Rounds whose speed is averaged: one alone says little. */
const RECENT_ROUNDS = 5;

export const FiguresPanel = memo(function FiguresPanel({ view, points }: { view: RunView; points: readonly HistoryPoint[] }) {
  const losses = seriesOf(points, "loss");
  const newest = losses.at(-1);
  const speed = recentMean(seriesOf(points, "tokensPerSecond"), RECENT_ROUNDS);
  const here = view.clients.filter(({ health }) => health === "healthy" || health === "late");
  const waiting = view.clients.filter(({ health }) => health === "waiting").length;
  return (
    <Card title="Figures">
      <div className="grid grid-cols-2 gap-x-4 gap-y-5 sm:grid-cols-3 lg:grid-cols-6">
        <Figure
          hint={newest === undefined ? "no report yet" : `step ${formatNumber(newest.x)}`}
          label="Loss"
          value={formatLoss(newest?.y)}
        />
        <Figure
          hint={speed === null ? "no report yet" : `of the last ${Math.min(RECENT_ROUNDS, points.length)} rounds`}
          label="Speed"
          unit="tokens/s"
          value={formatCompact(speed)}
        />
        <Figure
          hint={`${formatNumber(view.tokensPerRound)} a round`}
          label="Tokens trained"
          value={formatCompact(Number(view.tokensTrained))}
        />
        <Figure hint={`at step ${formatNumber(view.step)}`} label="Learning rate" value={formatLearningRate(view.learningRate)} />
        <Figure hint={`${waiting} waiting, at least ${view.minClients} needed`} label="Clients" value={formatNumber(here.length)} />
        <Figure
          hint={view.round === null ? "elected each round" : `${view.round.witnessesReported} have reported`}
          label="Witnesses"
          value={view.round === null ? "–" : formatNumber(view.round.witnessesElected)}
        />
      </div>
    </Card>
  );
});
