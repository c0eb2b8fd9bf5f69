/** The timeline as text: one line a node, rounds from left to right; below it a table and the findings. */
import { finishOf, isSlow, lateNodes, seconds } from "./findings.ts";
import { median, type NodeView, type RunRound, type Timeline } from "./timeline.ts";

/** In a column of several rounds the first of these that occurs is shown. */
const MARKS = [
  ["down", "x"],
  ["still", "z"],
  ["stranded", "s"],
  ["replayed", "r"],
  ["behind", "~"],
  ["late", "▓"],
  ["trained", "█"],
  ["waited", "░"],
  ["absent", " "],
] as const;
type State = (typeof MARKS)[number][0];
const LEGEND =
  "█ trained  ▓ trained, but late  ░ took part, trained nothing  ~ behind  r replays  s waits for an epoch  z stood still  x down";
const BARS = "▁▂▃▄▅▆▇█";

export function timelineText(timeline: Timeline, columns: number): string {
  const { nodes, rounds, medianRoundMs, runId, fromMs, toMs } = timeline;
  const nameWidth = Math.max(8, ...nodes.map((n) => n.node.length));
  const epochs = new Set(rounds.map((r) => r.epoch)).size;
  const lines = [
    `run ${runId ?? "(unknown)"}: ${nodes.length} nodes, ${rounds.length} rounds in ${epochs} epochs, ${new Date(fromMs).toISOString().slice(0, 19)}Z for ${seconds(toMs - fromMs)}`,
  ];
  if (rounds.length > 0) {
    lines.push(
      `a round takes ${seconds(medianRoundMs)} (median); clock: ${timeline.reference}`,
      "",
      ...chart(timeline, nameWidth, columns),
      "",
      LEGEND,
    );
  }
  lines.push("", ...table(timeline, nameWidth), "");
  const marks = { info: " ", warn: "!", bad: "✗" } as const;
  for (const { level, atMs, sentence } of timeline.findings) {
    lines.push(`${marks[level]} ${atMs === null ? "        " : `${clock(atMs)}`}  ${sentence}`);
  }
  if (timeline.findings.length === 0) lines.push("nothing stands out");
  return `${lines.join("\n")}\n`;
}

function clock(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

function chart(timeline: Timeline, nameWidth: number, columns: number): string[] {
  const { nodes, rounds, medianRoundMs } = timeline;
  const width = Math.max(20, Math.min(columns - nameWidth - 2, rounds.length));
  const buckets = Array.from({ length: width }, (_, i) =>
    rounds.slice(Math.floor((i * rounds.length) / width), Math.floor(((i + 1) * rounds.length) / width)),
  ).filter((bucket) => bucket.length > 0);
  const row = (name: string, cells: string) => `${name.padEnd(nameWidth)}  ${cells}`.trimEnd();
  const longest = (bucket: readonly RunRound[]) => Math.max(0, ...bucket.map((r) => r.endMs - r.startMs).filter(Number.isFinite));
  const late = new Map(
    rounds.filter((r) => isSlow(r, medianRoundMs)).map((r) => [r.step, new Set(lateNodes(timeline, r).map((l) => l.node))]),
  );
  return [
    row(
      "epoch",
      axis(buckets, (bucket, i) =>
        i === 0 || buckets[i - 1].at(-1)!.epoch !== bucket.at(-1)!.epoch ? String(bucket.at(-1)!.epoch) : null,
      ),
    ),
    row(
      "step",
      axis(buckets, (bucket, i) => (i % 12 === 0 ? String(bucket[0].step) : null)),
    ),
    row(
      "length",
      buckets.map((b) => BARS[Math.min(BARS.length - 1, Math.floor((longest(b) / (4 * medianRoundMs)) * BARS.length))] ?? " ").join(""),
    ),
    ...nodes.map((node) => row(node.node, buckets.map((b) => markOf(b.map((r) => stateOf(node, r, late)))).join(""))),
  ];
}

/** Labels over their columns, where there is room. */
function axis<T>(cells: readonly T[], label: (cell: T, index: number) => string | null): string {
  let line = "";
  cells.forEach((cell, i) => {
    const text = label(cell, i);
    if (text !== null && (line.length < i || i === 0)) line = `${line.padEnd(i)}${text}`;
  });
  return line;
}

function markOf(states: readonly State[]): string {
  return MARKS.find(([state]) => states.includes(state))![1];
}

export function stateOf(node: NodeView, round: RunRound, late: ReadonlyMap<number, ReadonlySet<string>>): State {
  const endMs = Number.isFinite(round.endMs) ? round.endMs : round.startMs;
  const own = node.rounds.get(round.step);
  const finishedMs = own ? finishOf(own) : NaN;
  for (const note of node.notes) {
    if (note.atMs > endMs || note.toMs <= round.startMs) continue;
    // what happened after its result was out is of the next round
    if (finishedMs <= note.atMs) continue;
    if (note.kind === "died") return "down";
    if (note.kind === "frozen") return "still";
    if (note.kind === "replay") return "replayed";
  }
  if (!own) return "absent";
  if (node.isCoordinator) return "waited";
  if (Number.isFinite(finishedMs)) return late.get(round.step)?.has(node.node) ? "late" : "trained";
  if (Number.isFinite(own.behindMs)) return "behind";
  if (Number.isFinite(own.beganMs) || Number.isFinite(own.witnessSentMs)) return "waited";
  return node.notes.some((n) => n.kind === "stranded" && n.atMs <= endMs) ? "stranded" : "absent";
}

function table({ nodes }: Timeline, nameWidth: number): string[] {
  const head = ["node", "rounds", "trained", "train", "waits", "behind", "down", "still", "starts", "memory", "lag", "warnings"];
  const rows = nodes.map((node) => {
    const all = [...node.rounds.values()];
    const trained = all.filter((r) => Number.isFinite(r.trainMs));
    const trainMs = median(trained.map((r) => r.trainMs));
    const lengths = median(trained.map((r) => r.overMs - r.trainPhaseMs).filter(Number.isFinite));
    const total = (kind: string) => node.notes.filter((n) => n.kind === kind).reduce((sum, n) => sum + n.toMs - n.atMs, 0);
    const troubles = [...node.troubles.values()].reduce((sum, kind) => sum + kind.count, 0);
    return [
      node.node,
      String(all.length),
      node.isCoordinator ? "-" : String(trained.length),
      Number.isNaN(trainMs) ? "-" : seconds(trainMs),
      Number.isNaN(lengths) ? "-" : `${Math.max(0, Math.round(100 * (1 - trainMs / lengths)))} %`,
      String(all.filter((r) => Number.isFinite(r.behindMs)).length),
      seconds(total("died")),
      seconds(total("frozen")),
      String(node.starts),
      node.peakRssBytes === 0 ? "-" : `${Math.round(node.peakRssBytes / 2 ** 20)} MiB`,
      `${Math.round(node.maxLagMs)} ms`,
      String(troubles),
    ];
  });
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((r) => r[i].length), i === 0 ? nameWidth : 0));
  return [head, ...rows].map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "));
}
