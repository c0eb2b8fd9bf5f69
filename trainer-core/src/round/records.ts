/** A round's record, between its forms: as this client keeps it, and as peers exchange it. */
import { toHex } from "@starling/sdk/bytes";
import type { RecordOfRound } from "../protocol/messages.ts";
import type { EpochInfo, LocalRound, RoundPlan } from "./states.ts";

/** `live`: it is under way now. */
export function newRound(epoch: EpochInfo, plan: RoundPlan, live: boolean, nowMs: number): LocalRound {
  return {
    epoch,
    plan,
    final: false,
    live,
    seenAtMs: nowMs,
    batches: new Map(),
    lists: new Map(),
    shareAtMs: null,
    report: null,
    announced: null,
    training: "open",
    trained: null,
    parameterHash: null,
    agreed: null,
    toldBehind: false,
    attempts: new Map(),
  };
}

/** What a client tells of a round that is over. Only what the coordinator's move fixed: a restart of it shifts clocks. */
export function recordOf({ epoch, plan }: LocalRound): RecordOfRound {
  const { step, height, drain, elected, quorum } = plan;
  return {
    epoch: epoch.number,
    step,
    height,
    drain,
    assignments: plan.assignments.map(({ clientIndex, start, end }) => ({ clientIndex, start, end })),
    elected: elected.map(({ clientIndex, position }) => ({ clientIndex, position })),
    quorum,
    witnesses: plan.witnesses.map(({ clientIndex, position, bitmap, listRoot, parameterHash, listsHeld }) => ({
      clientIndex,
      position,
      bitmap,
      listRoot,
      parameterHash,
      listsHeld,
    })),
  };
}

export function planOf(record: RecordOfRound): RoundPlan {
  const { step, height, drain, elected, quorum } = record;
  return {
    step,
    height,
    drain,
    // who was elected is known, and nothing is reported of it any more
    seed: new Uint8Array(32),
    startedMs: 0,
    assignments: record.assignments.map((assignment, batch) => ({ batch, ...assignment })),
    elected,
    quorum,
    // what was revealed made a seed that has been drawn
    witnesses: record.witnesses.map((entry) => ({ ...entry, reveal: new Uint8Array(32), root: toHex(entry.listRoot) })),
  };
}
