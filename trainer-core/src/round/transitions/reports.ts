/** What members report of each other: equivocation that they can prove, and clients that have stopped working. */
import type { Draft } from "../draft.ts";
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

/** At the start of a round the witnesses of the one before have those dropped whose results nobody got, twice in a row. */
export function checkHealth(draft: Draft): void {
  const round = currentRound(draft);
  if (round === null) return;
  const before = draft.peek(round.plan.step - 1);
  if (before === undefined || before.epoch !== round.epoch) return;
  if (!before.plan.elected.some(({ clientIndex }) => clientIndex === round.epoch.self)) return;
  const attempt = { step: round.plan.step, key: "call/health" };
  if (draft.attempt(attempt) !== undefined) return;
  const dead = draft.state
    .view!.state.clients.filter(({ state, missedRounds }) => state === "Healthy" && missedRounds >= missedRoundsOfTheDead)
    .map(({ index }) => index);
  if (dead.length > 0) draft.call(attempt, { name: "healthCheck", clients: dead });
}
