/** What members report of each other: equivocation that they can prove, and clients that have stopped working. */
import type { Draft } from "../draft.ts";
import type { LocalRound } from "../states.ts";
import { currentRound } from "./results.ts";

const mostReports = 6;
const missedRoundsOfTheDead = 2;

/** Reports every slot whose equivocation we can prove until it is ejected. */
export function accuse(draft: Draft): void {
  const { accused, view } = draft.state;
  if (accused.size === 0 || currentRound(draft) === null) return;
  for (const client of accused) {
    if (view!.state.clients[client]?.state !== "Healthy") continue;
    const attempt = { step: null, key: `equivocation/${client}` };
    if (draft.isDue(attempt, mostReports)) draft.call(attempt, { name: "reportEquivocation", client });
  }
}

/**
 * At the start of a round the witnesses of the one before have those dropped whose results no quorum got, twice in a row:
 * unless we did get one, too late. A slow member is no burden; a silent one costs every round its grace.
 */
export function checkHealth(draft: Draft): void {
  const round = currentRound(draft);
  if (round === null) return;
  const { step } = round.plan;
  const before = draft.peek(step - 1);
  if (before === undefined || before.epoch !== round.epoch) return;
  if (!before.plan.elected.some(({ clientIndex }) => clientIndex === round.epoch.self)) return;
  const attempt = { step, key: "call/health" };
  if (draft.attempt(attempt) !== undefined) return;
  const dead = draft.state.view!.state.clients.filter(
    ({ state, missedRounds, index }) =>
      state === "Healthy" &&
      missedRounds >= missedRoundsOfTheDead &&
      !hasWorked(draft.peek(step - 1), index) &&
      !hasWorked(draft.peek(step - 2), index),
  );
  if (dead.length > 0) draft.call(attempt, { name: "healthCheck", clients: dead.map(({ index }) => index) });
}

/** A result of that slot's batch is here and verified. */
function hasWorked(round: Readonly<LocalRound> | undefined, client: number): boolean {
  const assigned = round?.plan.assignments.find(({ clientIndex }) => clientIndex === client);
  if (assigned === undefined) return false;
  return round!.batches.get(assigned.batch)?.candidates.some(({ held }) => held) ?? false;
}
