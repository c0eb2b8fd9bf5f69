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
 * With its report of a round a witness has those dropped whose results no quorum attested, twice in a row: unless
 * results of theirs did come, too late or to others. A slow member is no burden; a silent one costs every round its grace.
 */
export function checkHealth(draft: Draft): void {
  const round = currentRound(draft);
  if (round === null || round.report === null || round.plan.drain) return;
  const { step } = round.plan;
  const attempt = { step, key: "call/health" };
  if (draft.attempt(attempt) !== undefined) return;
  const dead = draft.state.view!.state.clients.filter(
    ({ state, missedRounds, index }) =>
      state === "Healthy" &&
      missedRounds >= missedRoundsOfTheDead &&
      ![step, step - 1, step - 2].some((each) => hasWorked(draft.peek(each), index)),
  );
  if (dead.length > 0) draft.call(attempt, { name: "healthCheck", clients: dead.map(({ index }) => index) });
}

/** A result of that slot's batch is here and verified, or more witnesses verified one than can lie. */
function hasWorked(round: Readonly<LocalRound> | undefined, client: number): boolean {
  const assigned = round?.plan.assignments.find(({ clientIndex }) => clientIndex === client);
  if (round === undefined || assigned === undefined) return false;
  if (round.batches.get(assigned.batch)?.candidates.some(({ held }) => held) === true) return true;
  const naming = round.plan.witnesses.filter(({ root }) =>
    round.lists.get(root)?.list.entries.some(({ batch }) => batch === assigned.batch),
  );
  return naming.length > round.plan.elected.length - round.plan.quorum;
}
