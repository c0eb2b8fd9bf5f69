/** Announcements of results and the blobs that hold them. */
import { addressName, type BlobAddress } from "@starling/network/blobAddress";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { announceDigest } from "../../protocol/commitment.ts";
import type { Announce } from "../../protocol/messages.ts";
import type { Draft } from "../draft.ts";
import type { AttemptId } from "../effects.ts";
import type { BatchState, Candidate, LocalRound, RoundState } from "../states.ts";

/** Two prove an equivocation; more of one trainer for one batch are noise, unless we asked for them. */
const mostUnaskedCandidates = 2;
/** Above the number of witnesses, each of which may be asked and answer with another: the agreed one has room. */
const mostCandidates = 64;
const mostEarlyOfOne = 2;
/** Peers asked for one blob besides its sender. */
const mostOtherProviders = 7;
/** Tells a download of what was heard from one of what was agreed, which has other providers. */
export const fromAnyone = "anyone";
const firstRepeatMs = 500;
const longestRepeatMs = 4_000;

export const emptyBatch: BatchState = { candidates: [], voided: false };

/** The one commitment of a batch for which a witness vouches: the first whose blob it verified, if none other was signed. */
export function vouchedFor(batch: BatchState | undefined): Candidate | null {
  if (batch === undefined || batch.voided) return null;
  return batch.candidates.find(({ held }) => held) ?? null;
}

/** The round that is under way, if this client is a member of it. */
export function currentRound(draft: Draft): Readonly<LocalRound> | null {
  const { view, epoch } = draft.state;
  if (view === null || epoch === null) return null;
  if (view.state.runState !== "RoundTrain" && view.state.runState !== "RoundWitness") return null;
  const round = draft.peek(view.state.step);
  return round?.epoch === epoch ? round : null;
}

/** Whether an announcement could change anything: asked before its signature is verified, which costs a millisecond. */
export function mayMatter(state: RoundState, announce: Announce): boolean {
  const round = state.rounds.get(announce.fields.step);
  if (round === undefined) return isEarly(state, announce);
  const candidates = round.batches.get(announce.fields.batch)?.candidates ?? [];
  const key = candidateKey(announce);
  return (
    candidates.length < mostUnaskedCandidates &&
    candidates.every((candidate) => candidate.key !== key) &&
    whyInvalid(state, round, announce) === null
  );
}

function candidateKey(announce: Announce): string {
  return toHex(announceDigest(announce));
}

/** For a round that may begin before we hear of it. Of members only: keys cost nothing, and evidence may name any. */
function isEarly({ view, epoch, early }: RoundState, { fields }: Announce): boolean {
  if (view === null || (fields.step !== view.state.step && fields.step !== view.state.step + 1)) return false;
  const members = [...(epoch?.peers ?? []), ...view.members.map(({ peerId }) => peerId)];
  if (!members.some((member) => equalBytes(member, fields.sender))) return false;
  return early.filter((other) => equalBytes(other.fields.sender, fields.sender)).length < mostEarlyOfOne;
}

export function absorbAnnounce(draft: Draft, announce: Announce, requested: boolean): void {
  const { fields } = announce;
  const round = draft.peek(fields.step);
  if (round === undefined) {
    if (isEarly(draft.state, announce)) draft.state.early = [...draft.state.early, announce];
    return;
  }
  const reason = whyInvalid(draft.state, round, announce);
  if (reason !== null) {
    draft.tell({ type: "rejected", what: `announcement of batch ${fields.batch} in step ${fields.step}`, reason });
    return;
  }
  addCandidate(draft, announce, requested);
}

/** Null when it is what the assigned trainer may announce. The signature was verified before. */
function whyInvalid({ rules }: RoundState, { epoch, plan }: LocalRound, { fields }: Announce): string | null {
  const assigned = plan.assignments[fields.batch];
  if (fields.runId !== rules.runId) return `it is for run ${fields.runId}`;
  if (fields.epoch !== epoch.number) return `it is for epoch ${fields.epoch}, the step belongs to ${epoch.number}`;
  if (assigned === undefined) return `the round has ${plan.assignments.length} batches`;
  if (fields.start !== assigned.start || fields.end !== assigned.end) {
    return `the batch is [${assigned.start}, ${assigned.end}], it says [${fields.start}, ${fields.end}]`;
  }
  if (!equalBytes(fields.sender, epoch.peers[assigned.clientIndex])) return "its sender is not the batch's trainer";
  if (toHex(fields.epochStartHash) !== epoch.startHash) return "its sender began the epoch with other parameters";
  if (fields.payloadBytes > rules.maxPayloadBytes) {
    return `its payload has ${fields.payloadBytes} bytes, a result of this model at most ${rules.maxPayloadBytes}`;
  }
  return null;
}

function addCandidate(draft: Draft, announce: Announce, requested: boolean): void {
  const { step, batch: index } = announce.fields;
  const batch = draft.peek(step)!.batches.get(index) ?? emptyBatch;
  const commitment = toHex(announce.commitment);
  const key = candidateKey(announce);
  if (batch.candidates.some((candidate) => candidate.key === key)) return;
  if (batch.candidates.length >= (requested ? mostCandidates : mostUnaskedCandidates)) return;
  const other = batch.candidates.find((candidate) => candidate.commitment !== commitment);
  const added: Candidate = { key, commitment, announce, held: false, bad: false };
  setBatch(draft, step, index, {
    candidates: [...batch.candidates, added],
    voided: batch.voided || other !== undefined,
  });
  if (other !== undefined) proveEquivocation(draft, other.announce, announce);
}

function proveEquivocation(draft: Draft, first: Announce, second: Announce): void {
  const { step, batch } = first.fields;
  const { epoch, plan } = draft.peek(step)!;
  const { clientIndex } = plan.assignments[batch];
  if (epoch !== draft.state.epoch || draft.state.accused.has(clientIndex)) return;
  draft.state.accused = new Set([...draft.state.accused, clientIndex]);
  draft.effects.push({ type: "publish", message: { type: "evidence", value: { first, second } } });
  draft.tell({ type: "equivocation", step, batch, clientIndex });
}

function setBatch(draft: Draft, step: number, index: number, batch: BatchState): void {
  const round = draft.edit(step);
  round.batches = new Map(round.batches).set(index, batch);
}

function setCandidate(draft: Draft, step: number, key: string, change: Partial<Candidate>): void {
  for (const [index, batch] of draft.peek(step)?.batches ?? []) {
    if (!batch.candidates.some((candidate) => candidate.key === key)) continue;
    const candidates = batch.candidates.map((candidate) => (candidate.key === key ? { ...candidate, ...change } : candidate));
    setBatch(draft, step, index, { ...batch, candidates });
  }
}

export function blobVerified(draft: Draft, step: number, key: string): void {
  setCandidate(draft, step, key, { held: true });
}

export function blobRefused(draft: Draft, step: number, key: string, reason: string): void {
  const batches = [...(draft.peek(step)?.batches.values() ?? [])];
  const refused = batches.flatMap(({ candidates }) => candidates).find((candidate) => candidate.key === key);
  setCandidate(draft, step, key, { bad: true });
  if (refused !== undefined) forgetPayloads(draft, [refused.announce.blob]);
  draft.tell({ type: "rejected", what: `result of step ${step}`, reason });
}

/**
 * Lets go of those payloads that nothing kept here names any more. An announcement may name the blob of another one, of
 * an earlier round or of another trainer: dropping it with the one would take it from the other.
 */
export function forgetPayloads(draft: Draft, addresses: readonly BlobAddress[]): void {
  const blobs = draft.state.model?.blobs;
  const inUse = new Set(blobs === undefined ? [] : [blobs.leaves, ...blobs.tensors].map(addressName));
  for (const step of draft.steps()) {
    for (const { candidates } of draft.peek(step)!.batches.values()) {
      for (const { bad, announce } of candidates) if (!bad) inUse.add(addressName(announce.blob));
    }
  }
  const unused = addresses.filter((address) => !inUse.has(addressName(address)));
  if (unused.length > 0) draft.effects.push({ type: "forget", addresses: unused });
}

/** Our own result is here from the start. */
export function addOwnResult(draft: Draft, announce: Announce): void {
  const { step } = announce.fields;
  if (draft.peek(step) === undefined) return;
  addCandidate(draft, announce, true);
  blobVerified(draft, step, candidateKey(announce));
  draft.edit(step).announced = { announce, againAtMs: draft.state.nowMs, times: 0 };
}

/** Asks for a candidate's blob, the likeliest holders first. `from` tells apart downloads with different providers. */
export function fetchBlob(draft: Draft, step: number, candidate: Candidate, providers: readonly Uint8Array[], from: string): void {
  const attempt = blobAttempt(step, candidate, from);
  if (candidate.held || candidate.bad || !draft.isDue(attempt)) return;
  const peers = withoutSelf(draft, providers);
  if (peers.length === 0) return;
  draft.began(attempt);
  const { announce, key } = candidate;
  draft.effects.push({ type: "fetchBlob", attempt, step, candidate: key, announce, providers: peers });
}

export function blobAttempt(step: number, candidate: Candidate, from: string): AttemptId {
  return { step, key: `blob/${candidate.key}/${from}` };
}

export function withoutSelf(draft: Draft, peers: readonly Uint8Array[]): Uint8Array[] {
  const { peer: self } = draft.state.rules;
  return peers.filter((peer, i) => !equalBytes(peer, self) && peers.findIndex((other) => other === peer || equalBytes(other, peer)) === i);
}

/**
 * While a round is under way: the blob of the first announcement of each batch, from its sender first. Those of the round
 * before too: a result that came too late to count still shows that its trainer works.
 */
export function fetchFirstResults(draft: Draft): void {
  const current = currentRound(draft);
  if (current === null) return;
  const before = draft.peek(current.plan.step - 1);
  if (before?.epoch === current.epoch) fetchFirstOf(draft, before);
  fetchFirstOf(draft, current);
}

function fetchFirstOf(draft: Draft, round: Readonly<LocalRound>): void {
  for (const [index, batch] of round.batches) {
    const [first] = batch.candidates;
    if (first === undefined || batch.voided || first.held || first.bad) continue;
    const { peers } = round.epoch;
    // others in the order of their slots after the trainer's, so that not everybody asks the same few
    const trainer = round.plan.assignments[index].clientIndex;
    const others = peers.map((_, i) => peers[(trainer + 1 + i) % peers.length]).slice(0, mostOtherProviders);
    fetchBlob(draft, round.plan.step, first, [first.announce.fields.sender, ...others], fromAnyone);
  }
}

/** Gossip may be lost: our announcement is repeated while the round lasts, ever more rarely. */
export function republishOwn(draft: Draft): void {
  const round = currentRound(draft);
  if (round === null || round.announced === null || draft.state.nowMs < round.announced.againAtMs) return;
  const { announce, times } = round.announced;
  const againAtMs = draft.state.nowMs + Math.min(firstRepeatMs * 2 ** times, longestRepeatMs);
  draft.edit(round.plan.step).announced = { announce, againAtMs, times: times + 1 };
  draft.effects.push({ type: "publish", message: { type: "announce", value: announce } });
}
