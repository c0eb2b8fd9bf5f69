/** What stands out in a timeline, as sentences with the facts behind them. */
import type { NodeRound, NoteKind } from "./collect.ts";
import { median, type NodeView, type RunRound, type Timeline } from "./timeline.ts";

/** A round is slow when it takes so many times the median, and so much longer. */
const SLOW_FACTOR = 1.5;
const SLOW_MS = 200;
const SLOW_ROUNDS_SHOWN = 12;
const KINDS_SHOWN = 12;
const NOTES_SHOWN = 20;
/** A clock this far off is worth a line: signed requests are refused from 300 s on. */
const SKEW_MS = 500;

export type FindingKind = "clock" | "slow-round" | "node" | "hash" | "trouble" | "files";

export interface Finding {
  kind: FindingKind;
  level: "info" | "warn" | "bad";
  /** ms by the reference's clock; null where it is not of a moment */
  atMs: number | null;
  node: string | null;
  sentence: string;
}

/** What a node was doing at the end of a round that took too long. */
export interface Late {
  node: string;
  /** ms after the round's start */
  lateMs: number;
  why: string;
}

export function findings(timeline: Timeline): Finding[] {
  return [...clocks(timeline), ...slowRounds(timeline), ...notes(timeline), ...hashes(timeline), ...troubles(timeline), ...files(timeline)];
}

function clocks({ nodes, reference }: Timeline): Finding[] {
  return nodes
    .filter((n) => Math.abs(n.clockOffsetMs) >= SKEW_MS)
    .map((n) => ({
      kind: "clock",
      level: Math.abs(n.clockOffsetMs) > 300_000 ? "bad" : "warn",
      atMs: null,
      node: n.node,
      sentence: `the clock of ${n.node} is ${seconds(Math.abs(n.clockOffsetMs))} ${n.clockOffsetMs > 0 ? "ahead of" : "behind"} that of ${reference}; aligned here`,
    }));
}

export function isSlow(round: RunRound, medianRoundMs: number): boolean {
  const lastsMs = round.endMs - round.startMs;
  return lastsMs > SLOW_FACTOR * medianRoundMs && lastsMs > medianRoundMs + SLOW_MS;
}

function slowRounds(timeline: Timeline): Finding[] {
  const slow = timeline.rounds.filter((round) => isSlow(round, timeline.medianRoundMs));
  const worst = [...slow].sort((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs)).slice(0, SLOW_ROUNDS_SHOWN);
  const out: Finding[] = worst
    .sort((a, b) => a.step - b.step)
    .map((round) => {
      const late = lateNodes(timeline, round);
      const who = late.length === 0 ? "no node stands out" : late.map(({ node, why }) => `${node} ${why}`).join(", ");
      const times = (round.endMs - round.startMs) / timeline.medianRoundMs;
      return {
        kind: "slow-round",
        level: "warn",
        atMs: round.startMs,
        node: late[0]?.node ?? null,
        sentence: `step ${round.step} (epoch ${round.epoch}) took ${seconds(round.endMs - round.startMs)}, ${times.toFixed(1)} times the median: ${who}`,
      };
    });
  if (slow.length > worst.length) {
    out.push({
      kind: "slow-round",
      level: "info",
      atMs: null,
      node: null,
      sentence: `${slow.length - worst.length} more slow rounds, less slow than these`,
    });
  }
  return out;
}

/** Who held a round up: those that were away, and the one that finished clearly after the others. */
export function lateNodes({ nodes, medianRoundMs }: Timeline, round: RunRound): Late[] {
  const clients = nodes.filter((n) => !n.isCoordinator);
  const out: Late[] = [];
  const done: { node: string; lateMs: number }[] = [];
  for (const node of nodes) {
    const away = node.notes.find((n) => (n.kind === "died" || n.kind === "frozen") && n.atMs < round.endMs && n.toMs > round.startMs);
    if (away) out.push({ node: node.node, lateMs: round.endMs - round.startMs, why: away.kind === "died" ? "was down" : "stood still" });
  }
  for (const node of clients) {
    if (out.some((late) => late.node === node.node)) continue;
    const own = node.rounds.get(round.step);
    if (!own) continue;
    if (Number.isFinite(own.behindMs)) out.push({ node: node.node, lateMs: own.behindMs - round.startMs, why: "was behind" });
    const finishedMs = finishOf(own);
    if (Number.isFinite(finishedMs)) done.push({ node: node.node, lateMs: finishedMs - round.startMs });
  }
  const last = done.sort((a, b) => b.lateMs - a.lateMs)[0];
  const others = median(done.slice(1).map((d) => d.lateMs));
  if (last && last.lateMs - (Number.isNaN(others) ? 0 : others) > 0.25 * medianRoundMs && !out.some((late) => late.node === last.node)) {
    out.push({ ...last, why: `had its result only after ${seconds(last.lateMs)}` });
  }
  return out;
}

/** When a node's own result was there. */
export function finishOf({ announcedMs, trainedMs }: NodeRound): number {
  return Number.isFinite(announcedMs) ? announcedMs : trainedMs;
}

const NOTE_LEVEL: Readonly<Record<NoteKind, Finding["level"]>> = {
  started: "info",
  stopped: "info",
  died: "bad",
  frozen: "warn",
  stranded: "warn",
  replay: "info",
  restored: "info",
  resync: "warn",
  model: "info",
  "epoch-lost": "bad",
  "went-back": "bad",
  equivocation: "bad",
};

const VERBS: Readonly<Record<NoteKind, string>> = {
  started: "started",
  stopped: "stopped",
  died: "was down",
  frozen: "stood still",
  stranded: "waited for an epoch",
  replay: "replayed",
  restored: "came back",
  resync: "had other parameters",
  model: "received the model",
  "epoch-lost": "lost an epoch",
  "went-back": "went back",
  equivocation: "proved an equivocation",
};

function notes({ nodes }: Timeline): Finding[] {
  const out: Finding[] = [];
  for (const node of nodes) {
    const worth = node.notes.filter((note) => note.kind !== "started");
    for (const note of worth.slice(0, NOTES_SHOWN)) {
      const lasts = note.toMs > note.atMs ? ` for ${seconds(note.toMs - note.atMs)}` : "";
      const back = note.kind === "died" ? backAfter(node, note.toMs) : "";
      const what = VERBS[note.kind];
      const detail = note.kind === "died" || note.kind === "frozen" ? "" : `: ${note.text}`;
      out.push({
        kind: "node",
        level: NOTE_LEVEL[note.kind],
        atMs: note.atMs,
        node: node.node,
        sentence: `${node.node} ${what}${lasts}${back}${detail}`,
      });
    }
    if (worth.length > NOTES_SHOWN) {
      out.push({
        kind: "node",
        level: "info",
        atMs: null,
        node: node.node,
        sentence: `${node.node}: ${worth.length - NOTES_SHOWN} more of these`,
      });
    }
  }
  return out.sort((a, b) => (a.atMs ?? Infinity) - (b.atMs ?? Infinity));
}

/** When a node that came back trained again. */
function backAfter(node: NodeView, sinceMs: number): string {
  if (node.isCoordinator) return "";
  let first: NodeRound | null = null;
  for (const round of node.rounds.values()) {
    if (round.trainedMs > sinceMs && (first === null || round.trainedMs < first.trainedMs)) first = round;
  }
  return first === null
    ? ", and has not trained since"
    : `, and trained again at step ${first.step}, ${seconds(first.trainedMs - sinceMs)} after its start`;
}

function hashes({ nodes }: Timeline): Finding[] {
  const out: Finding[] = [];
  const compare = (of: (n: NodeView) => ReadonlyMap<number, string>, what: string): void => {
    const byKey = new Map<number, Map<string, string[]>>();
    for (const node of nodes) {
      for (const [key, hash] of of(node)) {
        const held = byKey.get(key) ?? new Map<string, string[]>();
        byKey.set(key, held.set(hash, [...(held.get(hash) ?? []), node.node]));
      }
    }
    const apart = [...byKey].filter(([, held]) => held.size > 1);
    for (const [key, held] of apart.slice(0, SLOW_ROUNDS_SHOWN)) {
      const groups = [...held].map(([hash, who]) => `${who.join(", ")} had ${hash.slice(0, 8)}`).join("; ");
      out.push({ kind: "hash", level: "bad", atMs: null, node: null, sentence: `${what} ${key}: different parameters: ${groups}` });
    }
    const most = Math.max(0, ...[...byKey.values()].map((held) => [...held.values()].reduce((sum, who) => sum + who.length, 0)));
    if (byKey.size > 0 && apart.length === 0) {
      out.push({
        kind: "hash",
        level: "info",
        atMs: null,
        node: null,
        sentence: `${byKey.size} ${what}s: the same parameters at every node that told them (up to ${most})`,
      });
    }
  };
  compare((n) => n.epochHashes, "epoch");
  compare((n) => n.roundHashes, "step");
  return out;
}

function troubles({ nodes }: Timeline): Finding[] {
  const kinds = nodes.flatMap((node) => [...node.troubles.values()].map((kind) => ({ node, kind })));
  kinds.sort((a, b) => b.kind.count - a.kind.count);
  const out: Finding[] = kinds.slice(0, KINDS_SHOWN).map(({ node, kind }) => ({
    kind: "trouble",
    level: "warn",
    atMs: kind.firstMs,
    node: node.node,
    sentence: `${node.node}: ${kind.count > 1 ? `${kind.count} times ` : ""}${kind.example}`,
  }));
  if (kinds.length > KINDS_SHOWN) {
    out.push({ kind: "trouble", level: "info", atMs: null, node: null, sentence: `${kinds.length - KINDS_SHOWN} more kinds of warnings` });
  }
  return out;
}

function files({ read }: Timeline): Finding[] {
  const of = (level: Finding["level"], sentence: string): Finding => ({ kind: "files", level, atMs: null, node: null, sentence });
  return [
    ...(read.damaged > 0
      ? [of("warn", read.damaged === 1 ? "1 damaged line was skipped" : `${read.damaged} damaged lines were skipped`)]
      : []),
    ...(read.missing > 0
      ? [
          of(
            "warn",
            `${read.missing} ${read.missing === 1 ? "event is" : "events are"} missing: dropped by a full disk, or in files that are gone`,
          ),
        ]
      : []),
  ];
}

/** `420 ms`, `12.3 s`, `4 min 05 s`, `2 h 10 min` */
export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}
