/** What an elected witness owes the coordinator: which results it verified, and that it holds what was agreed. */
import { toHex } from "@starling/sdk/bytes";
import { encodeWitnessMetadata, type WitnessMetadata } from "@starling/sdk/witnessMetadata";
import { BloomFilter, bloomKeys } from "../../protocol/bloom.ts";
import { listRoot } from "../../protocol/commitment.ts";
import type { ListEntries } from "../../protocol/messages.ts";
import { tally } from "../agreement.ts";
import type { Draft } from "../draft.ts";
import type { LocalRound, PlanWitness } from "../states.ts";
import { absorbList, fetchAgreed, fetchAnnounce, fetchLists, lacksList } from "./lists.ts";
import { currentRound, vouchedFor } from "./results.ts";
import { isLastRound } from "./rounds.ts";

/** A report must arrive before the phase's time-out. */
const marginShare = 0.1;
const mostMarginMs = 2_000;
/** How long a witness waits for lists that it lacks: a share of the phase, but not long. */
const listGraceShare = 0.25;
const mostListGraceMs = 2_000;

/** Tells the coordinator which results we verified, once these are all, or enough and stragglers had their grace. */
export function witnessDuty(draft: Draft): void {
  const round = currentRound(draft);
  if (round === null || ownEntry(round) !== undefined) return;
  if (!round.plan.elected.some(({ clientIndex }) => clientIndex === round.epoch.self)) return;
  const { step } = round.plan;
  const attempt = { step, key: "call/witness" };
  if (round.report === null && !(round.plan.drain ? isDrainDone(draft, round) : isTrainDone(draft, round))) return;
  if (!draft.isDue(attempt)) return;
  const report = round.report ?? makeReport(draft, step);
  draft.call(attempt, {
    name: "witness",
    step,
    bitmap: report.bitmap,
    listRoot: report.root,
    parameterHash: report.parameterHash,
    bloom: report.bloom,
    metadata: report.metadata,
    chainHead: draft.state.view!.state.clients[round.epoch.self].chainHead,
  });
}

export function ownEntry(round: LocalRound): PlanWitness | undefined {
  return round.plan.witnesses.find(({ clientIndex }) => clientIndex === round.epoch.self);
}

/** Our clock's time a little before the phase that began at `startedMs` (coordinator's clock) times out. */
function deadlineMs(draft: Draft, startedMs: number, phaseMs: number): number {
  const margin = Math.min(phaseMs * marginShare, mostMarginMs);
  return startedMs + phaseMs - margin - draft.state.clockOffsetMs;
}

/** The phase is about to time out, or RoundWitness has begun without us: what we have is what we report. */
function isLate(draft: Draft, round: LocalRound): boolean {
  const { runState, config } = draft.state.view!.state;
  const { nowMs, phaseSinceMs } = draft.state;
  // others have everything, or lie: results that are on their way still get half of the lists' grace
  if (runState === "RoundWitness") return nowMs >= phaseSinceMs + listGraceMs(draft) / 2;
  return nowMs >= deadlineMs(draft, round.plan.startedMs, Number(config.maxRoundTrainMs));
}

function listGraceMs(draft: Draft): number {
  return Math.min(Number(draft.state.view!.state.config.roundWitnessMs) * listGraceShare, mostListGraceMs);
}

function isDrainDone(draft: Draft, round: LocalRound): boolean {
  if (!isLastRound(draft, round.plan.step) || round.parameterHash !== null || draft.state.rules.holdsPart) return true;
  // no quorum of hashes means no checkpoint: so wait for ours, even into RoundWitness, but not for ever
  if (draft.state.stage.name === "stranded" || draft.state.stage.name === "waiting") return true;
  const { runState, config, runStateStartedMs } = draft.state.view!.state;
  const [startedMs, phaseMs] =
    runState === "RoundWitness"
      ? [Number(runStateStartedMs), Number(config.roundWitnessMs)]
      : [round.plan.startedMs, Number(config.maxRoundTrainMs)];
  return draft.state.nowMs >= deadlineMs(draft, startedMs, phaseMs);
}

function isTrainDone(draft: Draft, round: LocalRound): boolean {
  const { assignments, step } = round.plan;
  const missing = assignments.filter(({ batch }) => {
    const state = round.batches.get(batch);
    return state?.voided !== true && vouchedFor(state) === null;
  });
  if (missing.length === 0 || isLate(draft, round)) return true;
  const share = draft.state.view!.state.config.resultShareBps / 10_000;
  const enough = Math.max(1, Math.min(Math.ceil(share * assignments.length), assignments.length - 1));
  if (assignments.length - missing.length < enough) return false;
  if (round.shareAtMs === null) draft.edit(step).shareAtMs = draft.state.nowMs;
  // gossip may have been lost: ask the trainers themselves, then anyone
  for (const { batch, clientIndex } of missing) {
    if (clientIndex === round.epoch.self || (round.batches.get(batch)?.candidates.length ?? 0) > 0) continue;
    fetchAnnounce(draft, step, batch, null, [round.epoch.peers[clientIndex], ...round.epoch.peers]);
  }
  const sinceMs = round.shareAtMs ?? draft.state.nowMs;
  return draft.state.nowMs >= sinceMs + graceMs(draft, sinceMs - round.seenAtMs);
}

/** `straggler_grace` of the median round so far. A first round has none, and is uneven: it waits as long again. */
function graceMs(draft: Draft, presentMs: number): number {
  const sorted = [...draft.state.roundMs].sort((a, b) => a - b);
  if (sorted.length === 0) return presentMs;
  const grace = draft.state.view!.state.config.stragglerGraceBps / 10_000;
  return grace * sorted[sorted.length >> 1];
}

/** What displays show of this client's part in the round. A round's time is that of the last whole one, where there was one. */
function measured(draft: Draft, { trained, seenAtMs, batches, plan, epoch }: LocalRound): WitnessMetadata {
  const roundMs = Math.max(draft.state.roundMs.at(-1) ?? draft.state.nowMs - seenAtMs, trained?.trainMs ?? 0, 1);
  const received = plan.assignments
    .filter(({ clientIndex }) => clientIndex !== epoch.self)
    .reduce((sum, { batch }) => sum + (vouchedFor(batches.get(batch))?.announce.fields.payloadBytes ?? 0), 0);
  const loss = trained?.loss ?? null;
  return {
    loss: loss !== null && Number.isFinite(Math.fround(loss)) ? loss : null,
    tokensPerSecond: (1_000 * (trained?.tokens ?? 0)) / roundMs,
    bandwidthBytesPerSecond: (1_000 * received) / roundMs,
    efficiency: (trained?.trainMs ?? 0) / roundMs,
    ...draft.state.shown,
  };
}

/** From here on the report stays as it is: the coordinator may have taken it although its answer was lost. */
function makeReport(draft: Draft, step: number): NonNullable<LocalRound["report"]> {
  const round = draft.peek(step)!;
  const entries: ListEntries = [];
  const bitmap = new Uint8Array(32);
  for (const { batch } of round.plan.assignments) {
    const kept = vouchedFor(round.batches.get(batch));
    if (kept === null) continue;
    entries.push({ batch, commitment: kept.announce.commitment });
    bitmap[batch >> 3] |= 1 << (batch & 7);
  }
  const { runId } = draft.state.rules;
  const root = listRoot(runId, round.epoch.number, step, entries);
  const last = isLastRound(draft, step);
  const parameterHash = (last ? round.parameterHash : null) ?? new Uint8Array(32);
  const bloom = new BloomFilter(bloomKeys(round.plan.seed, round.epoch.self));
  for (const { commitment } of entries) bloom.add(commitment);
  const metadata = encodeWitnessMetadata(measured(draft, round));
  draft.state.shown = { ...draft.state.shown, sampleText: null };
  const report = { entries, root, bitmap, parameterHash, bloom: bloom.bytes, metadata };
  draft.edit(step).report = report;
  const list = { runId, epoch: round.epoch.number, step, witness: round.epoch.peers[round.epoch.self], entries };
  absorbList(draft, list, toHex(root));
  // nothing is agreed in a drain round: its lists are empty, and known to all
  if (!round.plan.drain) draft.effects.push({ type: "publish", message: { type: "list", value: list } });
  draft.tell({
    type: "witnessSent",
    step,
    batches: entries.length,
    assigned: round.plan.assignments.length,
    listRoot: toHex(root),
    parameterHash: last && round.parameterHash !== null ? toHex(parameterHash) : null,
  });
  return report;
}

/**
 * RoundWitness. Every member gets the lists and what they agree on; a witness reports which lists it holds, once more
 * of them would change nothing or its patience is over.
 */
export function downloadedDuty(draft: Draft): void {
  const current = currentRound(draft);
  const { view, nowMs, phaseSinceMs } = draft.state;
  if (current === null || view!.state.runState !== "RoundWitness") return;
  const { step, drain, witnesses, elected, quorum } = current.plan;
  const emptyRoot = drain ? toHex(listRoot(draft.state.rules.runId, current.epoch.number, step, [])) : "";
  // in a drain round the empty list needs no fetching, and no other list is anyone's business
  if (!drain) fetchLists(draft, step, witnesses);
  const round = draft.peek(step)!;
  const held = witnesses.filter((entry) => (drain ? entry.root === emptyRoot : !lacksList(round, entry)));
  const agreed = drain ? [] : tally(round, held);
  const missing = fetchAgreed(draft, step, agreed);

  const own = ownEntry(round);
  if (own === undefined || own.listsHeld !== null) return;
  const phaseMs = Number(view!.state.config.roundWitnessMs);
  const isDue = nowMs >= deadlineMs(draft, Number(view!.state.runStateStartedMs), phaseMs);
  const hadGrace = nowMs >= phaseSinceMs + listGraceMs(draft);
  const complete = held.length === witnesses.length && (witnesses.length === elected.length || allNamed(round, agreed));
  const enough = drain
    ? !isLastRound(draft, step) || witnesses.length === elected.length || hasHashQuorum(round)
    : complete || (hadGrace && held.length >= quorum);
  if (!isDue && !(enough && missing.length === 0)) return;
  const attempt = { step, key: "call/downloaded" };
  if (!draft.isDue(attempt)) return;
  const listsHeld = held.reduce((bits, { position }) => bits | (1 << position), 0) >>> 0;
  draft.call(attempt, { name: "downloaded", step, listsHeld });
  draft.tell({ type: "downloadsSent", step, listsHeld });
}

/** The round must not end, and its epoch with it, before the witnesses' parameter hashes are in. */
function hasHashQuorum({ plan }: LocalRound): boolean {
  const counts = new Map<string, number>();
  for (const { parameterHash } of plan.witnesses) {
    if (parameterHash.every((byte) => byte === 0)) continue;
    const hash = toHex(parameterHash);
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return [...counts.values()].some((count) => count >= plan.quorum);
}

/** A quorum names everything that we reported ourselves: another list would add nothing that we know of. */
function allNamed(round: LocalRound, agreed: readonly { batch: number }[]): boolean {
  const batches = new Set(agreed.map(({ batch }) => batch));
  return (round.report?.entries ?? []).every(({ batch }) => batches.has(batch));
}
