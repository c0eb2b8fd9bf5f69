/** What members report of each other: equivocation that they can prove, and clients that have stopped working. */
import type { Draft } from "../draft.ts";
import type { LocalRound } from "../states.ts";
import { fetchAnnounce } from "./lists.ts";
import { currentRound } from "./results.ts";

const mostReports = 6;
const missedRoundsOfTheDead = 2;
const mostQuestions = 2;
/** The one under way, and those missed. */
const judgedRounds = missedRoundsOfTheDead + 1;

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
  if (round === null || round.plan.drain) return;
  if (round.plan.elected.some(({ clientIndex }) => clientIndex === round.epoch.self)) askSuspects(draft, round);
  if (round.report === null) return;
  const attempt = { step: round.plan.step, key: "call/health" };
  if (draft.attempt(attempt) !== undefined) return;
  const dead = draft.state.view!.state.clients.filter(
    ({ state, missedRounds, index }) =>
      state === "Healthy" && missedRounds >= missedRoundsOfTheDead && isSilent(lastRoundsOf(draft, index)),
  );
  if (dead.length > 0) draft.call(attempt, { name: "healthCheck", clients: dead.map(({ index }) => index) });
}

/**
 * Who may be found dead with the next report is asked itself for its result of the round before: that it is slow it says
 * once, and gossip may be lost.
 */
function askSuspects(draft: Draft, { epoch, plan }: LocalRound): void {
  const before = draft.peek(plan.step - 1);
  if (before?.epoch !== epoch) return;
  for (const { batch, clientIndex } of before.plan.assignments) {
    const client = draft.state.view!.state.clients[clientIndex];
    if (client?.state !== "Healthy" || client.missedRounds === 0 || before.batches.get(batch) !== undefined) continue;
    fetchAnnounce(draft, before.plan.step, batch, null, [epoch.peers[clientIndex]], mostQuestions);
  }
}

/** The last rounds in which that slot had a batch: where sequences are fewer than members, these lie apart. */
function lastRoundsOf(draft: Draft, client: number): { round: LocalRound; batch: number }[] {
  const all = draft.steps().flatMap((step) => {
    const round = draft.peek(step)!;
    const assigned = round.plan.assignments.find(({ clientIndex }) => clientIndex === client);
    return assigned === undefined || round.epoch !== draft.state.epoch ? [] : [{ round, batch: assigned.batch }];
  });
  return all.slice(-judgedRounds);
}

/** Had something to do while this client was listening, and nothing came of it. */
function isSilent(rounds: readonly { round: LocalRound; batch: number }[]): boolean {
  return rounds.length > 0 && rounds.every(({ round }) => round.live) && !rounds.some(({ round, batch }) => hasWorked(round, batch));
}

/** A result of that batch is here and verified, or more witnesses verified one than can lie. */
function hasWorked({ batches, lists, plan }: LocalRound, batch: number): boolean {
  if (batches.get(batch)?.candidates.some(({ held }) => held) === true) return true;
  const naming = plan.witnesses.filter(({ root }) => lists.get(root)?.list.entries.some((entry) => entry.batch === batch));
  return naming.length > plan.elected.length - plan.quorum;
}
