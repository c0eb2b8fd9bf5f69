/** All nodes on one clock: the rounds of the run, what each node did in them, and what stands out. */
import { readEventBatches, noStats, type ReadStats } from "../readEvents.ts";
import { NodeCollector, type NodeRecord, type NodeRound, type Note } from "./collect.ts";
import { findings, type Finding } from "./findings.ts";

export interface NodeView extends NodeRecord {
  /** this node's clock minus the reference's, ms; already taken out of all its times */
  clockOffsetMs: number;
}

export interface RunRound {
  step: number;
  epoch: number;
  startMs: number;
  /** NaN where the coordinator's change was not seen */
  witnessMs: number;
  endMs: number;
  /** mean over the nodes that trained; NaN where none did */
  loss: number;
  tokens: number;
}

export interface Timeline {
  runId: string | null;
  fromMs: number;
  toMs: number;
  /** the node whose clock all times are by */
  reference: string;
  /** the coordinator first, then by name */
  nodes: NodeView[];
  /** by rising step */
  rounds: RunRound[];
  medianRoundMs: number;
  findings: Finding[];
  read: ReadStats;
}

export interface TimelineQuery {
  directories: readonly string[];
  nodes?: readonly string[];
  /** a date, or seconds from the first event */
  from?: string;
  to?: string;
}

/** Null when there are no events there. Throws the system's error for a folder that cannot be read. */
export async function buildTimeline(query: TimelineQuery): Promise<Timeline | null> {
  const read = noStats();
  const collectors = new Map<string, NodeCollector>();
  for await (const batch of readEventBatches(query.directories, { nodes: query.nodes, stats: read })) {
    for (const event of batch) {
      let collector = collectors.get(event.node);
      if (!collector) collectors.set(event.node, (collector = new NodeCollector(event.node)));
      collector.add(event);
    }
  }
  const records = [...collectors.values()].map((c) => c.record);
  if (records.length === 0) return null;
  const reference = records.find((r) => r.isCoordinator) ?? records.reduce((a, b) => (b.rounds.size > a.rounds.size ? b : a));
  const nodes = records
    .map((record) => aligned(record, clockOffsetMs(record, reference)))
    .sort((a, b) => Number(b.isCoordinator) - Number(a.isCoordinator) || a.node.localeCompare(b.node, "en", { numeric: true }));
  const firstMs = Math.min(...nodes.map((n) => n.firstMs));
  const fromMs = query.from === undefined ? firstMs : momentMs(query.from, firstMs);
  const toMs = query.to === undefined ? Math.max(...nodes.map((n) => n.lastMs)) : momentMs(query.to, firstMs);
  for (const node of nodes) clip(node, fromMs, toMs);
  const rounds = runRounds(
    nodes,
    nodes.find((n) => n.node === reference.node)!,
  );
  const lengths = rounds.map((r) => r.endMs - r.startMs).filter(Number.isFinite);
  const timeline: Timeline = {
    runId: nodes.map((n) => n.runId).find((id) => id !== null) ?? null,
    fromMs,
    toMs,
    reference: reference.node,
    nodes,
    rounds,
    medianRoundMs: median(lengths),
    findings: [],
    read,
  };
  timeline.findings = findings(timeline);
  return timeline;
}

function momentMs(text: string, firstMs: number): number {
  return /^\d+(\.\d+)?$/.test(text) ? firstMs + Number(text) * 1000 : Date.parse(text);
}

/** The coordinator's changes reach every node within a network's delay: the median difference of their times is the clock's. */
function clockOffsetMs(record: NodeRecord, reference: NodeRecord): number {
  if (record === reference) return 0;
  const differences: number[] = [];
  for (const [step, round] of record.rounds) {
    const theirs = reference.rounds.get(step);
    if (!theirs) continue;
    for (const [mine, other] of [
      [round.trainPhaseMs, theirs.trainPhaseMs],
      [round.witnessPhaseMs, theirs.witnessPhaseMs],
    ]) {
      if (Number.isFinite(mine) && Number.isFinite(other)) differences.push(mine - other);
    }
  }
  return differences.length === 0 ? 0 : Math.round(median(differences));
}

const ROUND_TIMES = [
  "trainPhaseMs",
  "witnessPhaseMs",
  "overMs",
  "beganMs",
  "trainedMs",
  "announcedMs",
  "witnessSentMs",
  "downloadsSentMs",
  "behindMs",
] as const satisfies readonly (keyof NodeRound)[];

/** In place: the records are large. */
function aligned(record: NodeRecord, offsetMs: number): NodeView {
  if (offsetMs !== 0) {
    record.firstMs -= offsetMs;
    record.lastMs -= offsetMs;
    for (const round of record.rounds.values()) for (const key of ROUND_TIMES) round[key] -= offsetMs;
    for (const note of record.notes) {
      note.atMs -= offsetMs;
      note.toMs -= offsetMs;
    }
    for (const kind of record.troubles.values()) {
      kind.firstMs -= offsetMs;
      kind.lastMs -= offsetMs;
    }
  }
  return Object.assign(record, { clockOffsetMs: offsetMs });
}

function clip(node: NodeView, fromMs: number, toMs: number): void {
  const inside = (note: Note) => note.toMs >= fromMs && note.atMs <= toMs;
  node.notes = node.notes.filter(inside);
  for (const [step, round] of node.rounds) {
    const atMs = firstTimeOf(round);
    if (atMs > toMs || (Number.isFinite(round.overMs) ? round.overMs : atMs) < fromMs) node.rounds.delete(step);
  }
}

function firstTimeOf({ trainPhaseMs, witnessPhaseMs, beganMs }: NodeRound): number {
  return [trainPhaseMs, witnessPhaseMs, beganMs].find(Number.isFinite) ?? NaN;
}

function runRounds(nodes: readonly NodeView[], reference: NodeView): RunRound[] {
  const steps = new Set<number>();
  for (const node of nodes) for (const step of node.rounds.keys()) steps.add(step);
  const rounds: RunRound[] = [];
  for (const step of [...steps].sort((a, b) => a - b)) {
    const all = nodes.flatMap((n) => n.rounds.get(step) ?? []);
    const pick = (key: "trainPhaseMs" | "witnessPhaseMs" | "overMs"): number => {
      const own = reference.rounds.get(step)?.[key] ?? NaN;
      if (Number.isFinite(own)) return own;
      const others = all.map((r) => r[key]).filter(Number.isFinite);
      return others.length === 0 ? NaN : Math.min(...others);
    };
    const startMs = pick("trainPhaseMs");
    if (!Number.isFinite(startMs)) continue;
    const losses = all.map((r) => r.loss).filter(Number.isFinite);
    rounds.push({
      step,
      epoch: all[0].epoch,
      startMs,
      witnessMs: pick("witnessPhaseMs"),
      endMs: pick("overMs"),
      loss: losses.length === 0 ? NaN : losses.reduce((a, b) => a + b, 0) / losses.length,
      tokens: all.reduce((sum, r) => sum + r.tokens, 0),
    });
  }
  return rounds;
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
