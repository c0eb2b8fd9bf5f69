/** Witness lists: keeping them, getting those we lack, and finding in them what a trainer told others. */
import type { BlobAddress } from "@starling/network/blobAddress";
import { equalBytes, fromHex, toHex } from "@starling/sdk/bytes";
import type { WitnessList } from "../../protocol/messages.ts";
import { type AgreedResult, holdersOf } from "../agreement.ts";
import type { Draft } from "../draft.ts";
import type { AttemptId } from "../effects.ts";
import type { Candidate, LocalRound, PlanWitness } from "../states.ts";
import { blobAttempt, currentRound, fetchBlob, fromAnyone, withoutSelf } from "./results.ts";

/** Lists kept of one witness before the coordinator names its root. */
const mostUnnamedLists = 2;
const mostComparisons = 32;
/** A peer that is silent for this long is no longer waited for alone. */
export const patienceMs = 300;

export function absorbList(draft: Draft, list: WitnessList, root: string): void {
  const round = draft.peek(list.step);
  if (round === undefined || round.lists.has(root)) return;
  if (list.runId !== draft.state.rules.runId || list.epoch !== round.epoch.number) return;
  const named = round.plan.witnesses.some((entry) => entry.root === root);
  if (!named) {
    const elected = round.plan.elected.some(({ clientIndex }) => equalBytes(round.epoch.peers[clientIndex], list.witness));
    const kept = [...round.lists.values()].filter((other) => equalBytes(other.list.witness, list.witness)).length;
    if (!elected || kept >= mostUnnamedLists) return;
  }
  const edited = draft.edit(list.step);
  const commitments = list.entries.map(({ commitment }) => toHex(commitment));
  edited.lists = new Map(edited.lists).set(root, { list, commitments });
}

export function lacksList(round: LocalRound, entry: PlanWitness): boolean {
  return !round.lists.has(entry.root);
}

/** Asks for the lists of these entries: each from its witness, and from those who report that they hold it. */
export function fetchLists(draft: Draft, step: number, entries: readonly PlanWitness[]): void {
  const round = draft.peek(step)!;
  for (const entry of entries) {
    if (!lacksList(round, entry)) continue;
    const holders = [entry, ...holdersOf(round.plan, entry)].map(({ clientIndex }) => round.epoch.peers[clientIndex]);
    askOne(draft, step, `list/${entry.root}`, holders, (attempt, peer) => {
      draft.effects.push({ type: "fetchList", attempt, step, root: entry.listRoot, peer });
    });
  }
}

/**
 * Asks the one of `peers` that was asked least; another one already while those before are silent. The peers may be
 * others each time: holders become known as witnesses report.
 */
function askOne(
  draft: Draft,
  step: number,
  what: string,
  peers: readonly Uint8Array[],
  ask: (attempt: AttemptId, peer: Uint8Array) => void,
  mostTries?: number,
): void {
  const asked = withoutSelf(draft, peers).map((peer) => {
    const attempt = { step, key: `${what}/${toHex(peer)}` };
    return { peer, attempt, before: draft.attempt(attempt) };
  });
  const { nowMs } = draft.state;
  if (asked.some(({ before }) => before?.inFlight === true && nowMs < before.beganAtMs + patienceMs)) return;
  const due = asked.filter(({ attempt }) => draft.isDue(attempt, mostTries));
  if (due.length === 0) return;
  const next = due.reduce((best, each) => ((each.before?.tries ?? 0) < (best.before?.tries ?? 0) ? each : best));
  draft.began(next.attempt);
  ask(next.attempt, next.peer);
}

/** The results among `agreed` whose payload is not here; asks for them from the witnesses that verified them. */
export function fetchAgreed(draft: Draft, step: number, agreed: readonly AgreedResult[]): AgreedResult[] {
  const missing = agreed.filter((result) => heldCandidate(draft.peek(step)!, result) === undefined);
  for (const result of missing) {
    const round = draft.peek(step)!;
    const witnesses = result.namedBy.map((clientIndex) => round.epoch.peers[clientIndex]);
    // a download of its own: one that began earlier may be waiting for peers that never had it
    const from = `the ${witnesses.length} witnesses`;
    const candidates = candidatesOf(round, result);
    for (const candidate of candidates) fetchBlob(draft, step, candidate, [...witnesses, candidate.announce.fields.sender], from);
    // its trainer may have signed us an announcement that leads nowhere: the witnesses hold one that does not
    if (!candidates.some((candidate) => isComing(draft, step, candidate, from)))
      fetchAnnounce(draft, step, result.batch, result.commitment, witnesses);
  }
  return missing;
}

/** Its first download from the witnesses is young, and no other of it has failed. */
function isComing(draft: Draft, step: number, candidate: Candidate, from: string): boolean {
  const attempt = draft.attempt(blobAttempt(step, candidate, from));
  const isYoung = attempt?.inFlight === true && attempt.tries === 1 && draft.state.nowMs < attempt.beganAtMs + patienceMs;
  return isYoung && draft.attempt(blobAttempt(step, candidate, fromAnyone))?.inFlight !== false;
}

/** One thing to apply: a batch's agreed result, and where its payload is. */
export interface HeldResult {
  batch: number;
  address: BlobAddress;
}

/** What was agreed of round `step`, by batch; or, while it is not all here, what is still missing: that is asked for. */
export function collect(draft: Draft, step: number): { results: HeldResult[] } | { missing: string } {
  const before = draft.peek(step);
  if (before === undefined || before.epoch !== draft.state.epoch) return { missing: `the record of step ${step}` };
  if (before.plan.drain) return { results: [] };
  if (!before.final) return { missing: `the record of step ${step}` };
  if (before.agreed === null) {
    const agreement = draft.state.rules.agree(before);
    if (agreement.status === "missing-lists") {
      fetchLists(draft, step, agreement.entries);
      return { missing: `${agreement.entries.length} witness lists of step ${step}` };
    }
    draft.edit(step).agreed = agreement.results;
  }
  const agreed = before.agreed ?? draft.peek(step)!.agreed!;
  const missing = fetchAgreed(draft, step, agreed);
  if (missing.length > 0) return { missing: `${missing.length} of ${agreed.length} results of step ${step}` };
  const round = draft.peek(step)!;
  return { results: agreed.map((result) => ({ batch: result.batch, address: heldCandidate(round, result)!.announce.blob })) };
}

/** The announcements that may be that of an agreed result. */
function candidatesOf(round: LocalRound, { batch, commitment }: AgreedResult): Candidate[] {
  const candidates = round.batches.get(batch)?.candidates ?? [];
  return candidates.filter((candidate) => candidate.commitment === commitment && !candidate.bad);
}

/** The one whose payload is here. */
function heldCandidate(round: LocalRound, result: AgreedResult): Candidate | undefined {
  return candidatesOf(round, result).find(({ held }) => held);
}

/** `commitment` null: any of that batch. */
export function fetchAnnounce(
  draft: Draft,
  step: number,
  batch: number,
  commitment: string | null,
  peers: readonly Uint8Array[],
  mostTries?: number,
): void {
  const wanted = commitment === null ? null : fromHex(commitment, 32);
  const ask = (attempt: AttemptId, peer: Uint8Array): void => {
    draft.effects.push({ type: "fetchAnnounce", attempt, step, batch, commitment: wanted, peer });
  };
  askOne(draft, step, `announce/${batch}/${commitment ?? "any"}`, peers, ask, mostTries);
}

/**
 * A list that names another commitment than ours for a batch: its witness is asked for the announcement, which, if the
 * trainer signed it, proves the equivocation. A lying witness names what nobody signed: so few tries, and few of them.
 */
export function compareLists(draft: Draft): void {
  const current = currentRound(draft);
  if (current === null) return;
  for (const step of [current.plan.step - 1, current.plan.step]) {
    const round = draft.peek(step);
    if (round === undefined || round.epoch !== current.epoch) continue;
    let compared = 0;
    for (const { list, commitments } of round.lists.values()) {
      list.entries.forEach(({ batch }, i) => {
        const ours = draft.peek(step)!.batches.get(batch)?.candidates ?? [];
        if (ours.length !== 1 || ours[0].commitment === commitments[i] || compared++ >= mostComparisons) return;
        fetchAnnounce(draft, step, batch, commitments[i], [list.witness], 2);
      });
    }
  }
}
