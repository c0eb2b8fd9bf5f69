/**
 * The round protocol as a pure function. An event is absorbed into the state first; then every duty looks at the whole
 * state and asks for what is due. Duties are idempotent: an event that comes late, twice or never changes when
 * something happens, not what.
 */
import type { Effect } from "./effects.ts";
import type { RoundEvent } from "./events.ts";
import { Draft } from "./draft.ts";
import { presentable } from "./shown.ts";
import type { RoundState } from "./states.ts";
import { absorbRecord, catchUp, tellReplay } from "./transitions/replay.ts";
import { absorbSnapshot, follow } from "./transitions/snapshot.ts";
import { absorbAnnounce, blobRefused, blobVerified, fetchFirstResults, republishOwn } from "./transitions/results.ts";
import { absorbList, compareLists } from "./transitions/lists.ts";
import { accuse, checkHealth } from "./transitions/reports.ts";
import { beginNextRound, began, hashRound, hashed, trainBatch, trained } from "./transitions/rounds.ts";
import { downloadedDuty, witnessDuty } from "./transitions/witness.ts";
import {
  compared,
  engineReset,
  epochStarted,
  exported,
  imported,
  jobFailed,
  loaded,
  notStored,
  prepareEpoch,
  receivedLeaves,
  receivedModel,
  settleEpoch,
} from "./transitions/model.ts";

export interface Transition {
  state: RoundState;
  effects: Effect[];
}

export function transition(before: RoundState, event: RoundEvent): Transition {
  const draft = new Draft(before, event.atMs);
  if (before.stage.name === "left") return draft.finish();
  absorb(draft, event);
  advance(draft, event.type === "tick");
  return draft.finish();
}

function absorb(draft: Draft, event: RoundEvent): void {
  switch (event.type) {
    case "start":
      draft.start({ kind: "load" });
      return;
    case "tick":
      return;
    case "snapshot":
      absorbSnapshot(draft, event.view);
      return;
    case "announce":
      if (event.requested !== null) draft.ended(event.requested);
      absorbAnnounce(draft, event.announce, event.requested !== null);
      return;
    case "list":
      if (event.requested !== null) draft.ended(event.requested);
      absorbList(draft, event.list, event.root);
      return;
    case "blobHeld":
      draft.ended(event.attempt);
      blobVerified(draft, event.step, event.candidate);
      return;
    case "blobBad":
      draft.ended(event.attempt);
      blobRefused(draft, event.step, event.candidate, event.reason);
      return;
    case "record":
      draft.ended(event.attempt);
      absorbRecord(draft, event);
      return;
    case "modelHeld":
      draft.ended(event.attempt);
      receivedModel(draft, event.hash, event.blobs);
      return;
    case "leavesHeld":
      draft.ended(event.attempt);
      receivedLeaves(draft, event.hash, event.leaves);
      return;
    case "callDone":
      draft.ended(event.attempt);
      return;
    case "attemptFailed":
      draft.ended(event.attempt);
      if (!event.expected) draft.tell({ type: "error", action: event.action, message: event.message });
      return;
    case "loaded":
      loaded(draft, event.hash, event.blobs);
      if (draft.state.view !== null) follow(draft, null, draft.state.view);
      return;
    case "epochStarted":
      epochStarted(draft, event.epochId);
      return;
    case "imported":
      imported(draft, event.hash);
      return;
    case "compared":
      compared(draft, event.hash, event.matches);
      return;
    case "notStored":
      notStored(draft);
      return;
    case "began":
      began(draft, event.step);
      return;
    case "trained":
      trained(draft, event);
      return;
    case "hashed":
      hashed(draft, event.step, event.hash);
      return;
    case "exported":
      exported(draft, event);
      return;
    case "jobFailed":
      jobFailed(draft, event.job, event.message);
      return;
    case "engineReset":
      engineReset(draft, event.reason);
      return;
    case "show":
      draft.state.shown = presentable({ ...draft.state.shown, ...event.shown });
      return;
    case "stop":
      // a second stop is for now; the first may have been for the round's end
      draft.state.stopping = { drain: event.drain, step: draft.state.view?.state.step ?? 0 };
      return;
    default:
      event satisfies never;
  }
}

/** `isTick`: duties without haste wait for the clock. */
function advance(draft: Draft, isTick: boolean): void {
  catchUp(draft);
  prepareEpoch(draft);
  tellReplay(draft);
  hashRound(draft);
  beginNextRound(draft);
  trainBatch(draft);
  settleEpoch(draft);
  fetchFirstResults(draft);
  witnessDuty(draft);
  downloadedDuty(draft);
  if (isTick) compareLists(draft);
  accuse(draft);
  checkHealth(draft);
  republishOwn(draft);
  leaveWhenAsked(draft);
}

function leaveWhenAsked(draft: Draft): void {
  const { stopping, view } = draft.state;
  if (stopping === null) return;
  const inRound = view?.state.runState === "RoundTrain" || view?.state.runState === "RoundWitness";
  if (stopping.drain && inRound && view.state.step <= stopping.step && draft.state.stage.name === "training") return;
  draft.state.stage = { name: "left" };
  draft.effects.push({ type: "leave" });
}
