/**
 * What a round applies, as a function of agreed data only (DESIGN.md section 6): the round's record in the
 * coordinator and the lists it names. Every client that has these decides alike, whatever it heard itself.
 */
import type { LocalRound, PlanWitness, RoundPlan } from "./states.ts";

export interface AgreedResult {
  batch: number;
  /** hex */
  commitment: string;
  /** slots of the witnesses that verified it */
  namedBy: readonly number[];
}

export type Agreement =
  | { status: "agreed"; results: AgreedResult[] }
  /** these lists count and are not here */
  | { status: "missing-lists"; entries: PlanWitness[] };

/**
 * The entries whose list counts: more witnesses hold it than can lie (fewer than a third of those elected), so an honest
 * one does and whoever lacks it can get it. Not a quorum of holders: the phase ends when a quorum has reported its
 * downloads, and liars who report first and deny every list would leave no list with one.
 */
export function countedEntries(plan: RoundPlan): PlanWitness[] {
  const holdersNeeded = plan.elected.length - plan.quorum + 1;
  return plan.witnesses.filter((entry) => holdersOf(plan, entry).length >= holdersNeeded);
}

/** The entries whose witnesses report that they hold the list of `entry`. */
export function holdersOf(plan: RoundPlan, entry: PlanWitness): PlanWitness[] {
  return plan.witnesses.filter(({ listsHeld }) => listsHeld !== null && ((listsHeld >>> entry.position) & 1) === 1);
}

/** Commitments that at least a quorum of the lists of `entries` name, by rising batch. Lists that are not here name none. */
export function tally(round: LocalRound, entries: readonly PlanWitness[]): AgreedResult[] {
  const { assignments, quorum } = round.plan;
  const named = assignments.map(() => new Map<string, number[]>());
  for (const { root, clientIndex } of entries) {
    const held = round.lists.get(root);
    held?.list.entries.forEach(({ batch }, i) => {
      // a list may name batches that the round does not have
      const ofBatch = named[batch];
      const witnesses = ofBatch?.get(held.commitments[i]);
      if (witnesses === undefined) ofBatch?.set(held.commitments[i], [clientIndex]);
      else witnesses.push(clientIndex);
    });
  }
  return named.flatMap((ofBatch, batch) =>
    [...ofBatch].flatMap(([commitment, namedBy]) => (namedBy.length >= quorum ? [{ batch, commitment, namedBy }] : [])),
  );
}

/** What every client applies of a round that is over. A quorum cannot name two commitments of one batch. */
export function agreedResults(round: LocalRound): Agreement {
  const counted = countedEntries(round.plan);
  const missing = counted.filter(({ root }) => !round.lists.has(root));
  if (missing.length > 0) return { status: "missing-lists", entries: missing };
  return { status: "agreed", results: tally(round, counted) };
}
