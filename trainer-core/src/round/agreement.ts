/**
 * What a round applies, as a function of agreed data only (DESIGN.md section 6): the round's record in the
 * coordinator and the lists it names. Every client that has these decides alike, whatever it heard itself.
 */
import type { WitnessEntry } from "@starling/sdk/types";
import { toHex } from "@starling/sdk/bytes";
import type { LocalRound, RoundPlan } from "./states.ts";

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
  | { status: "missing-lists"; entries: WitnessEntry[] };

/**
 * The entries whose list counts: more witnesses hold it than can lie (fewer than a third of those elected), so an honest
 * one does and whoever lacks it can get it. Not a quorum of holders: the phase ends when a quorum has reported its
 * downloads, and liars who report first and deny every list would leave no list with one.
 */
export function countedEntries(plan: RoundPlan): WitnessEntry[] {
  const holdersNeeded = plan.elected.length - plan.quorum + 1;
  return plan.witnesses.filter((entry) => holdersOf(plan, entry).length >= holdersNeeded);
}

/** The entries whose witnesses report that they hold the list of `entry`. */
export function holdersOf(plan: RoundPlan, entry: WitnessEntry): WitnessEntry[] {
  return plan.witnesses.filter(({ listsHeld }) => listsHeld !== null && ((listsHeld >>> entry.position) & 1) === 1);
}

/** Commitments that at least a quorum of the lists of `entries` name, by rising batch. Lists that are not here name none. */
export function tally(round: LocalRound, entries: readonly WitnessEntry[]): AgreedResult[] {
  const named = new Map<string, { batch: number; commitment: string; namedBy: number[] }>();
  for (const entry of entries) {
    for (const { batch, commitment } of round.lists.get(toHex(entry.listRoot))?.entries ?? []) {
      const key = `${batch}/${toHex(commitment)}`;
      const found = named.get(key) ?? { batch, commitment: toHex(commitment), namedBy: [] };
      found.namedBy.push(entry.clientIndex);
      named.set(key, found);
    }
  }
  return [...named.values()]
    .filter(({ batch, namedBy }) => namedBy.length >= round.plan.quorum && batch < round.plan.assignments.length)
    .sort((a, b) => a.batch - b.batch);
}

/** What every client applies of a round that is over. A quorum cannot name two commitments of one batch. */
export function agreedResults(round: LocalRound): Agreement {
  const counted = countedEntries(round.plan);
  const missing = counted.filter((entry) => !round.lists.has(toHex(entry.listRoot)));
  if (missing.length > 0) return { status: "missing-lists", entries: missing };
  return { status: "agreed", results: tally(round, counted) };
}
