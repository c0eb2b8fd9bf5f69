/** Witness lists: keeping them, getting those we lack, and finding in them what a trainer told others. */
import { toHex } from "@starling/sdk/bytes";
import type { WitnessEntry } from "@starling/sdk/types";
import type { WitnessList } from "../../protocol/messages.ts";
import { type AgreedResult, holdersOf } from "../agreement.ts";
import type { Draft } from "../draft.ts";
import type { LocalRound } from "../states.ts";
import { currentRound, fetchBlob, withoutSelf } from "./results.ts";

/** Lists kept of one witness before the coordinator names its root. */
const mostUnnamedLists = 2;
const mostComparisons = 32;

export function absorbList(draft: Draft, list: WitnessList, root: string): void {
  const round = draft.peek(list.step);
  if (round === undefined || round.lists.has(root)) return;
  if (list.runId !== draft.state.rules.runId || list.epoch !== round.epoch.number) return;
  const witness = toHex(list.witness);
  const named = round.plan.witnesses.some((entry) => toHex(entry.listRoot) === root);
  if (!named) {
    const elected = round.plan.elected.some(({ clientIndex }) => toHex(round.epoch.peers[clientIndex]) === witness);
    const kept = [...round.lists.values()].filter((other) => toHex(other.witness) === witness).length;
    if (!elected || kept >= mostUnnamedLists) return;
  }
  const edited = draft.edit(list.step);
  edited.lists = new Map(edited.lists).set(root, list);
}

export function lacksList(round: LocalRound, entry: WitnessEntry): boolean {
  return !round.lists.has(toHex(entry.listRoot));
}

/** Asks for the lists of these entries: each from its witness, then from those who report that they hold it. */
export function fetchLists(draft: Draft, step: number, entries: readonly WitnessEntry[]): void {
  const round = draft.peek(step)!;
  for (const entry of entries) {
    if (!lacksList(round, entry)) continue;
    const attempt = { step, key: `list/${toHex(entry.listRoot)}` };
    if (!draft.isDue(attempt)) continue;
    const holders = [entry, ...holdersOf(round.plan, entry)].map(({ clientIndex }) => round.epoch.peers[clientIndex]);
    const peer = nextPeer(draft, holders, draft.attempt(attempt)?.tries ?? 0);
    if (peer === null) continue;
    draft.began(attempt);
    draft.effects.push({ type: "fetchList", attempt, step, root: entry.listRoot, peer });
  }
}

/** The results among `agreed` whose payload is not here; asks for them from the witnesses that verified them. */
export function fetchAgreed(draft: Draft, step: number, agreed: readonly AgreedResult[]): AgreedResult[] {
  const missing = agreed.filter((result) => candidateOf(draft.peek(step)!, result)?.held !== true);
  for (const result of missing) {
    const round = draft.peek(step)!;
    const witnesses = result.namedBy.map((clientIndex) => round.epoch.peers[clientIndex]);
    const candidate = candidateOf(round, result);
    if (candidate !== undefined) {
      fetchBlob(draft, step, candidate, [...witnesses, candidate.announce.fields.sender]);
      continue;
    }
    fetchAnnounce(draft, step, result.batch, result.commitment, witnesses);
  }
  return missing;
}

/** The announcement of an agreed result, one that is held before one that is not. */
export function candidateOf(round: LocalRound, { batch, commitment }: AgreedResult) {
  const candidates = (round.batches.get(batch)?.candidates ?? []).filter(
    (candidate) => candidate.commitment === commitment && !candidate.bad,
  );
  return candidates.find(({ held }) => held) ?? candidates[0];
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
  const attempt = { step, key: `announce/${batch}/${commitment ?? "any"}` };
  if (!draft.isDue(attempt, mostTries)) return;
  const peer = nextPeer(draft, peers, draft.attempt(attempt)?.tries ?? 0);
  if (peer === null) return;
  draft.began(attempt);
  const wanted = commitment === null ? null : Uint8Array.from(commitment.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  draft.effects.push({ type: "fetchAnnounce", attempt, step, batch, commitment: wanted, peer });
}

function nextPeer(draft: Draft, peers: readonly Uint8Array[], tries: number): Uint8Array | null {
  const others = withoutSelf(draft, peers);
  return others.length === 0 ? null : others[tries % others.length];
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
    for (const list of round.lists.values()) {
      for (const { batch, commitment } of list.entries) {
        const ours = round.batches.get(batch)?.candidates ?? [];
        const named = toHex(commitment);
        if (ours.length !== 1 || ours[0].commitment === named) continue;
        if (compared++ >= mostComparisons) return;
        fetchAnnounce(draft, step, batch, named, [list.witness], 2);
      }
    }
  }
}
