/** The whole screen: what is always there above and below, and the chosen view between. */
import { LOG_TAB, TABS, type Ui } from "../keys.ts";
import { exactly } from "../layout.ts";
import { lossPoints, speedOf, type LogLine, type Model, type Speed } from "../model.ts";
import {
  bar,
  clip,
  count,
  duration,
  fit,
  lineWidth,
  percent,
  row,
  span,
  sparkline,
  spread,
  type Line,
  type Span,
  type Style,
} from "../text.ts";
import { clientsView } from "./clients.ts";
import { helpView } from "./help.ts";
import { clock, logView, oneLine } from "./log.ts";
import { networkView } from "./network.ts";
import { runView } from "./run.ts";

export interface Size {
  columns: number;
  rows: number;
}

/** Below this nothing useful can be shown but one sentence. */
const LEAST: Size = { columns: 40, rows: 8 };
/** a trouble this old is found in the log only */
const TROUBLE_SHOWN_MS = 600_000;

/** Exactly `size.rows` rows of `size.columns` cells. */
export function frame(model: Model, ui: Ui, size: Size, nowMs: number, uptimeMs: number): Line[] {
  const { columns, rows } = size;
  if (columns < LEAST.columns || rows < LEAST.rows) {
    const { phase } = model;
    const line = phase ? `${phase.runState} epoch ${phase.epoch} step ${phase.step}` : "starts";
    return exactly([row(clip(line, columns)), row(clip("make the window larger", columns))], columns, rows);
  }
  const speed = speedOf(model);
  const top = [headerLine(model, ui, columns, nowMs, uptimeMs), phaseLine(model, speed, columns, nowMs), speedLine(model, speed, columns)];
  if (rows >= 24) top.push([]);
  const bottom = [...troubleLine(model, columns, nowMs), footerLine(model, ui, columns)];
  const bodyRows = rows - top.length - bottom.length;
  const view = { model, ui, columns, rows: bodyRows, nowMs, speed };
  return exactly([...top, ...exactly(body(view), columns, bodyRows), ...bottom], columns, rows);
}

/** What every view gets: `columns` x `rows` is its own room. */
export interface View {
  model: Model;
  ui: Ui;
  columns: number;
  rows: number;
  nowMs: number;
  speed: Speed;
}

function body(view: View): readonly Line[] {
  if (view.ui.help) return helpView(view);
  switch (view.ui.tab) {
    case 1:
      return clientsView(view);
    case 2:
      return networkView(view);
    case LOG_TAB:
      return logView(view);
    default:
      return runView(view);
  }
}

const KINDS = { testnet: "local testnet", server: "coordinator", client: "client" } as const;

function headerLine(model: Model, ui: Ui, columns: number, nowMs: number, uptimeMs: number): Line {
  const tabs: Span[] = TABS.flatMap((name, i) => [span(` ${i + 1} ${name} `, i === ui.tab && !ui.help ? "selected" : "dim")]);
  const name = [
    span(" Starling", "bold"),
    span(` ${KINDS[model.kind]}`),
    span(model.runId ? ` · ${model.runId}` : "", "accent"),
    span("  "),
  ];
  const time = [span(`up ${duration(uptimeMs)}  ${clock(nowMs)} `, "dim")];
  const isWide = lineWidth(name) + lineWidth(tabs) + lineWidth(time) < columns;
  return isWide ? spread([...name, ...tabs], time, columns) : spread(tabs, columns > 56 ? time : [], columns);
}

const PHASES: Readonly<Record<string, { name: string; style: Style }>> = {
  Uninitialized: { name: "not begun", style: "dim" },
  WaitingForMembers: { name: "waits for members", style: "warn" },
  Warmup: { name: "warm-up", style: "accent" },
  RoundTrain: { name: "training", style: "good" },
  RoundWitness: { name: "witnessing", style: "good" },
  Cooldown: { name: "cooldown", style: "accent" },
  Finished: { name: "finished", style: "good" },
  Paused: { name: "paused", style: "warn" },
};

function phaseLine({ phase, kind }: Model, { medianRoundMs }: Speed, columns: number, nowMs: number): Line {
  if (!phase) return row(" ", span(kind === "server" ? "begins" : "starts, not in the run yet", "warn"));
  const { name, style } = PHASES[phase.runState] ?? { name: phase.runState, style: "plain" };
  const rounds = phase.epochRounds > 0 ? ` of ${phase.epochRounds}` : "";
  const inRound = phase.runState === "RoundTrain" || phase.runState === "RoundWitness";
  const where = [
    span(` ${name}`, style),
    span(`  epoch ${phase.epoch}`),
    ...(inRound ? [span(`  round ${phase.round}${rounds}`)] : []),
    span(`  step ${phase.step}`),
  ];
  const who = phase.runState === "WaitingForMembers" ? span(`  ${phase.pending} of ${phase.wanted} here`) : span(`  ${phase.live} clients`);
  const elapsedMs = Math.max(0, nowMs - phase.startedAtMs);
  const short = phase.endsAtMs === null ? `for ${duration(elapsedMs)} ` : `${duration(phase.endsAtMs - nowMs)} left `;
  const long = phase.endsAtMs === null ? short : `${short}at most `;
  const words = phase.runState === "Finished" ? "" : lineWidth(where) + long.length < columns ? long : short;
  // the time left matters more than the head count, which the clients' table has too
  const left = lineWidth(where) + lineWidth([who]) + words.length + 1 <= columns ? [...where, who] : where;
  if (phase.endsAtMs === null) return spread(left, row(span(words, "dim")), columns);
  const limitMs = phase.endsAtMs - phase.startedAtMs;
  const barWidth = Math.min(30, columns - lineWidth(left) - 32);
  // a round ends when a quorum is done, long before its limit: the bar shows it against the usual round
  const usualMs = inRound && medianRoundMs !== null ? Math.min(limitMs, medianRoundMs * 2) : limitMs;
  const isLate = inRound && medianRoundMs !== null && elapsedMs > 2 * medianRoundMs + 1000;
  return spread(
    left,
    [
      ...(barWidth >= 8 ? [...bar(elapsedMs / Math.max(1, usualMs), barWidth, isLate ? "warn" : "accent"), span(" ")] : []),
      span(words, "dim"),
    ],
    columns,
  );
}

function speedLine(model: Model, speed: Speed, columns: number): Line {
  const loss = lossPoints(model).at(-1);
  const heldOut = model.heldOut.at(-1);
  const parts: Line[] = [];
  if (model.kind !== "server") {
    parts.push(row(span("loss ", "dim"), span(loss ? loss.y.toFixed(3) : "-", "bold")));
    if (heldOut) parts.push(row(span("held-out ", "dim"), span(`${heldOut.y.toFixed(3)}`, "bold"), span(` (step ${heldOut.x})`, "dim")));
  }
  parts.push(
    row(
      span(speed.tokensPerSecond === null ? "- tokens/s" : `${count(speed.tokensPerSecond)} tokens/s`, "bold"),
      ...(columns >= 90 && speed.byRound.length > 1 ? [span(` ${sparkline(speed.byRound, Math.min(20, columns - 80))}`, "accent")] : []),
    ),
  );
  if (model.kind !== "server")
    parts.push(row(span("efficiency ", "dim"), span(speed.efficiency === null ? "-" : percent(speed.efficiency))));
  if (speed.medianRoundMs !== null) parts.push(row(span("round ", "dim"), span(duration(speed.medianRoundMs))));
  parts.push(row(span(count(model.tokens), "plain"), span(" tokens", "dim")));
  let line: Line = [];
  for (const part of parts) {
    const longer: Line = [...line, span(line.length === 0 ? " " : "  "), ...part];
    if (lineWidth(longer) <= columns) line = longer;
  }
  return fit(line, columns);
}

/** The newest warning, for ten minutes; how many there are in all. */
function troubleLine({ troubles }: Model, columns: number, nowMs: number): Line[] {
  const last = troubles.at(-1);
  if (!last || nowMs - last.atMs > TROUBLE_SHOWN_MS) return [];
  const more = troubles.length > 1 ? ` (${troubles.length} warnings: w) ` : "";
  const text = clip(` ${mark(last)} ${clock(last.atMs)} ${oneLine(last.text)}`, columns - more.length);
  return [[span(text, last.level === "error" ? "bad" : "warn"), span(more, "dim")]];
}

function mark({ level }: LogLine): string {
  return level === "error" ? "✗" : "!";
}

function footerLine({ kind, stopping, phase }: Model, { notice, pauseAsked, isWatching }: Ui, columns: number): Line {
  if (stopping !== null) return row(span(clip(` stopping: ${stopping}`, columns - 24), "warn"), span("  q again: end at once", "dim"));
  if (notice !== null) return row(span(` ${notice}`, "warn"));
  if (isWatching) return row(span(" q close this view  tab or 1-4 views  w warnings  ? help", "dim"));
  const pause = kind === "client" ? "" : phase?.runState === "Paused" || pauseAsked ? "  p resume" : "  p pause";
  return row(span(` q stop  tab or 1-4 views${pause}  w warnings  ? help`, "dim"));
}
