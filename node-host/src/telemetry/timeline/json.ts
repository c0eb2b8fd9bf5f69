/** The timeline for tools: plain JSON, times in ms; a node's times within a round are counted from the round's start. */
import type { Finding } from "./findings.ts";
import type { NoteKind } from "./collect.ts";
import type { Timeline } from "./timeline.ts";

/** null where it did not come to that. */
export interface JsonNodeRound {
  node: string;
  beganMs: number | null;
  trainedMs: number | null;
  /** duration */
  trainMs: number | null;
  announcedMs: number | null;
  witnessSentMs: number | null;
  downloadsSentMs: number | null;
  behindMs: number | null;
  applied: number;
  loss: number | null;
}

export interface TimelineJson {
  runId: string | null;
  fromMs: number;
  toMs: number;
  reference: string;
  medianRoundMs: number | null;
  nodes: {
    node: string;
    isCoordinator: boolean;
    clockOffsetMs: number;
    firstMs: number;
    lastMs: number;
    starts: number;
    peakRssBytes: number;
    heldOut: { step: number; loss: number }[];
    notes: { kind: NoteKind; atMs: number; toMs: number; text: string }[];
  }[];
  rounds: {
    step: number;
    epoch: number;
    startMs: number;
    /** counted from startMs */
    witnessMs: number | null;
    lengthMs: number | null;
    loss: number | null;
    tokens: number;
    nodes: JsonNodeRound[];
  }[];
  findings: Finding[];
  read: Timeline["read"];
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** `mostRounds`: only the newest so many are in it. */
export function timelineJson(timeline: Timeline, mostRounds = Infinity): TimelineJson {
  const { runId, fromMs, toMs, reference, medianRoundMs, findings, read } = timeline;
  const rounds = mostRounds >= timeline.rounds.length ? timeline.rounds : timeline.rounds.slice(-mostRounds);
  return {
    runId,
    fromMs,
    toMs,
    reference,
    medianRoundMs: orNull(medianRoundMs),
    nodes: timeline.nodes.map(({ node, isCoordinator, clockOffsetMs, firstMs, lastMs, starts, peakRssBytes, heldOut, notes }) => ({
      node,
      isCoordinator,
      clockOffsetMs,
      firstMs,
      lastMs,
      starts,
      peakRssBytes,
      heldOut,
      notes,
    })),
    rounds: rounds.map(({ step, epoch, startMs, witnessMs, endMs, loss, tokens }) => ({
      step,
      epoch,
      startMs,
      witnessMs: orNull(witnessMs - startMs),
      lengthMs: orNull(endMs - startMs),
      loss: orNull(loss),
      tokens,
      nodes: timeline.nodes.flatMap((node) => {
        const own = node.rounds.get(step);
        if (!own || node.isCoordinator) return [];
        const since = (ms: number) => orNull(ms - startMs);
        return [
          {
            node: node.node,
            beganMs: since(own.beganMs),
            trainedMs: since(own.trainedMs),
            trainMs: orNull(own.trainMs),
            announcedMs: since(own.announcedMs),
            witnessSentMs: since(own.witnessSentMs),
            downloadsSentMs: since(own.downloadsSentMs),
            behindMs: since(own.behindMs),
            applied: own.applied,
            loss: orNull(own.loss),
          },
        ];
      }),
    })),
    findings,
    read,
  };
}
