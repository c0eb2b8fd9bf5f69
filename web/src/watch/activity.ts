/** When the agreed state last showed a sign of each client. Nobody tells "last seen"; what a client did stands in the state. */
import { toHex } from "@starling/sdk/bytes";
import type { ClientSlot, CoordinatorState } from "@starling/sdk/types";

interface Sign {
  /** changes when the client did something */
  key: string;
  atMs: number | null;
}

export class Activity {
  #signs = new Map<string, Sign>();

  /** Session (hex) -> this machine's ms, null where the state shows nothing yet. `offsetMs`: the run's clock minus ours. */
  note(state: CoordinatorState, nowMs: number, offsetMs: number): Map<string, number | null> {
    const next = new Map<string, Sign>();
    for (const client of state.clients) {
      const session = toHex(client.session);
      const before = this.#signs.get(session);
      const key = signOf(state, client);
      if (before === undefined) {
        const seenMs = seenInState(state, client);
        next.set(session, { key, atMs: seenMs === null ? null : Math.min(seenMs - offsetMs, nowMs) });
      } else {
        next.set(session, before.key === key ? before : { key, atMs: nowMs });
      }
    }
    this.#signs = next;
    return new Map([...next].map(([session, { atMs }]) => [session, atMs]));
  }
}

function signOf(state: CoordinatorState, { index, roundsTrained }: ClientSlot): string {
  const reports = state.rounds.flatMap(({ height, witnesses }) =>
    witnesses.filter(({ clientIndex }) => clientIndex === index).map(({ listsHeld }) => `${height}${listsHeld === null ? "w" : "d"}`),
  );
  const isReady = state.runState === "Warmup" && state.warmupReady.includes(index);
  // the oldest rounds fall out of the state: only the newest report says something new
  return `${state.epoch} ${roundsTrained} ${reports.at(-1) ?? ""} ${isReady}`;
}

/** On the run's clock: the newest round that shows it at work. */
function seenInState(state: CoordinatorState, { index, roundsTrained, missedRounds }: ClientSlot): number | null {
  const reported = state.rounds.findLast(({ witnesses }) => witnesses.some(({ clientIndex }) => clientIndex === index));
  // a quorum attested its work in the round that ended `missedRounds` rounds ago
  const attested = roundsTrained > 0 ? state.rounds.at(-2 - missedRounds) : undefined;
  const seen = [reported, attested].flatMap((round) => (round === undefined ? [] : [Number(round.startedMs)]));
  if (state.runState === "Warmup" && state.warmupReady.includes(index)) seen.push(Number(state.runStateStartedMs));
  return seen.length === 0 ? null : Math.max(...seen);
}
