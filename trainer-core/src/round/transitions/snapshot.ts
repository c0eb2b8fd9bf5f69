/** The coordinator's word: which epoch, which round, what its witnesses reported. */
import type { BlobAddress } from "@starling/network/blobAddress";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { LIMITS } from "@starling/sdk/generated/machineLayout";
import type { CoordinatorState } from "@starling/sdk/types";
import type { Draft } from "../draft.ts";
import { newRound } from "../records.ts";
import { type CoordinatorView, keptRounds, type LocalRound, type RoundPlan } from "../states.ts";
import { startOver } from "./model.ts";
import { forgetRecords } from "./replay.ts";
import { absorbAnnounce, forgetPayloads } from "./results.ts";

/** Rounds whose duration the straggler's grace is measured by. */
const measuredRounds = 31;
const zeroHash = "00".repeat(32);

export function absorbSnapshot(draft: Draft, view: CoordinatorView): void {
  const before = draft.state.view;
  if (before !== null && view.nonce <= before.nonce) return;
  draft.state.view = view;
  draft.state.clockOffsetMs = view.coordinatorNowMs - draft.state.nowMs;
  if (before === null || !sameMembers(before, view)) draft.effects.push({ type: "setMembers", members: view.members });
  const moved = before?.state.runState !== view.state.runState || before.state.step !== view.state.step;
  if (moved) draft.state.phaseSinceMs = draft.state.nowMs;
  if (before !== null) tellWentBack(draft, before.state, view.state);
  follow(draft, before, view);
  if (moved) tellPhase(draft, view);
}

/** Nobody held what was agreed (`LOST_WARMUPS` of the machine). A coordinator that itself came back is another matter. */
function tellWentBack(draft: Draft, before: CoordinatorState, now: CoordinatorState): void {
  if (now.step < before.step || before.parameterHashEpoch === LIMITS.NO_EPOCH) return;
  const toEpoch = now.parameterHashEpoch === LIMITS.NO_EPOCH ? null : now.parameterHashEpoch;
  if (toEpoch !== null && toEpoch >= before.parameterHashEpoch) return;
  draft.tell({ type: "wentBack", lostEpoch: before.parameterHashEpoch, toEpoch });
}

/** The epoch and its rounds as the coordinator has them. */
export function follow(draft: Draft, before: CoordinatorView | null, view: CoordinatorView): void {
  const { epoch } = draft.state;
  enterEpoch(draft, before, view);
  const isBack = before !== null && view.state.step < before.state.step;
  if (isBack && draft.state.epoch === epoch) stepBack(draft, before, view);
  for (const plan of view.plans) absorbRound(draft, view, plan);
  prune(draft, view);
}

function sameMembers(a: CoordinatorView, b: CoordinatorView): boolean {
  if (a.members.length !== b.members.length) return false;
  return a.members.every(({ peerId, multiaddrs }, i) => {
    const other = b.members[i];
    return equalBytes(peerId, other.peerId) && multiaddrs.join() === other.multiaddrs.join();
  });
}

function tellPhase(draft: Draft, { state }: CoordinatorView): void {
  const live = state.clients.filter((client) => client.state === "Healthy").length;
  draft.tell({
    type: "phase",
    runState: state.runState,
    epoch: state.epoch,
    step: state.step,
    members: state.clients.length,
    live,
  });
}

function enterEpoch(draft: Draft, before: CoordinatorView | null, view: CoordinatorView): void {
  const { state } = view;
  if (draft.state.stage.name === "starting") return;
  const inEpoch = ["Warmup", "RoundTrain", "RoundWitness", "Cooldown"].includes(state.runState);
  if (!inEpoch) return;
  const self = state.clients.findIndex(({ session }) => equalBytes(session, draft.state.rules.session));
  const isKnown = self >= 0 && isSameEpoch(draft, before, state);
  if (isKnown) return;
  if (self < 0 || hasAgreed(state)) {
    if (draft.state.stage.name === "preparing") draft.effects.push({ type: "abandonModel" });
    draft.state.epoch = null;
    draft.state.replay = null;
    draft.state.stage = { name: "waiting" };
    return;
  }
  const startHash = startHashOf(draft, state);
  if (draft.state.stage.name === "preparing" && draft.state.epoch?.startHash !== startHash) draft.effects.push({ type: "abandonModel" });
  const number = ++draft.state.epochsEntered;
  draft.state.epoch = {
    id: `${state.epoch}/${number}`,
    number: state.epoch,
    startStep: state.epochStartStep,
    trainsFrom: Math.max(state.runState === "Warmup" ? state.epochStartStep : state.step + 1, afterTrained(draft, state.epoch)),
    coldStart: state.coldStartEpoch,
    startHash,
    self: state.clients[self].index,
    peers: state.clients.map(({ peerId }) => peerId),
  };
  draft.state.accused = new Set();
  draft.state.records = new Map();
  draft.state.replay = null;
  draft.state.attempts = new Map([...draft.state.attempts].filter(([, attempt]) => attempt.inFlight));
  draft.state.stage = { name: "preparing" };
}

/** Hex, while the epoch's end is not agreed. */
function startHashOf(draft: Draft, { parameterHash }: CoordinatorState): string {
  const agreed = toHex(parameterHash);
  return agreed === zeroHash ? draft.state.runStartHash! : agreed;
}

/** The epoch's end is agreed: `parameterHash` is no longer that of its start, and there is nothing left to do in it. */
function hasAgreed({ epoch, parameterHashEpoch }: CoordinatorState): boolean {
  return parameterHashEpoch === epoch;
}

/** The first step after those of that epoch for which this client may have signed a result: of none does it sign another. */
function afterTrained(draft: Draft, epoch: number): number {
  const trained = draft.steps().filter((step) => {
    const round = draft.peek(step)!;
    return round.epoch.number === epoch && round.training !== "open";
  });
  return 1 + Math.max(0, ...trained);
}

/** By its number, start and members. Its start on the clock moves when the coordinator was away. */
function isSameEpoch(draft: Draft, before: CoordinatorView | null, state: CoordinatorState): boolean {
  const { epoch, stage } = draft.state;
  if (epoch === null || before === null || epoch.number !== state.epoch || epoch.startStep !== state.epochStartStep) return false;
  // the warm-up before lost the parameters it was to begin with
  if (!hasAgreed(state) && startHashOf(draft, state) !== epoch.startHash) return false;
  const samePeers =
    before.state.epochStartMs === state.epochStartMs ||
    (epoch.peers.length === state.clients.length && state.clients.every(({ peerId }, slot) => equalBytes(peerId, epoch.peers[slot])));
  // a run that was begun anew comes back to its warm-up
  return samePeers && (state.runState !== "Warmup" || stage.name === "preparing" || stage.name === "ready");
}

/**
 * The coordinator was started again from a state before its last move: what it had not kept did not happen. What this
 * client signed did, so it trains no round a second time.
 */
function stepBack(draft: Draft, before: CoordinatorView, { state, plans }: CoordinatorView): void {
  const { epoch, stage } = draft.state;
  if (epoch === null) return;
  for (const step of draft.steps()) {
    if (step < state.step) continue;
    const round = draft.peek(step)!;
    const plan = plans.find((other) => other.step === step);
    if (plan !== undefined && sameWork(plan, round.plan)) {
      Object.assign(draft.edit(step), { final: false, agreed: null });
      continue;
    }
    draft.drop(step);
    forgetPayloads(draft, payloadsOf(round));
  }
  const trainsFrom = Math.max(epoch.trainsFrom, before.state.step + 1);
  draft.state.epoch = { ...epoch, trainsFrom };
  for (const step of draft.steps()) if (draft.peek(step)!.epoch === epoch) draft.edit(step).epoch = draft.state.epoch;
  if (stage.name === "training" && stage.nextStep > state.step) {
    startOver(draft, `the coordinator came back at step ${state.step}, which had begun here already`);
  }
}

function sameWork(a: RoundPlan, b: RoundPlan): boolean {
  if (a.height !== b.height || a.drain !== b.drain || a.assignments.length !== b.assignments.length) return false;
  return a.assignments.every(({ clientIndex, start, end }, batch) => {
    const other = b.assignments[batch];
    return clientIndex === other.clientIndex && start === other.start && end === other.end;
  });
}

function absorbRound(draft: Draft, view: CoordinatorView, plan: RoundPlan): void {
  const { epoch } = draft.state;
  if (epoch === null) return;
  const known = draft.peek(plan.step);
  // a run that began anew counts its steps anew
  if (known === undefined || known.epoch.id !== epoch.id) {
    draft.add(newRound(epoch, plan, plan.step === view.state.step, draft.state.nowMs));
    if (known !== undefined) forgetPayloads(draft, payloadsOf(known));
    const before = draft.peek(plan.step - 1);
    if (before?.epoch === epoch && before.live) {
      draft.state.roundMs = [...draft.state.roundMs, draft.state.nowMs - before.seenAtMs].slice(-measuredRounds);
    }
    const early = draft.state.early;
    draft.state.early = early.filter(({ fields }) => fields.step > plan.step);
    for (const announce of early) if (announce.fields.step === plan.step) absorbAnnounce(draft, announce, false);
  } else if (!known.final) {
    draft.edit(plan.step).plan = plan;
  }
  if (plan.step < view.state.step && !draft.peek(plan.step)!.final) draft.edit(plan.step).final = true;
}

function payloadsOf({ batches }: Readonly<LocalRound>): BlobAddress[] {
  return [...batches.values()].flatMap(({ candidates }) => candidates.map(({ announce }) => announce.blob));
}

function prune(draft: Draft, view: CoordinatorView): void {
  const dropped: BlobAddress[] = [];
  for (const step of draft.steps()) {
    // one of a run that was begun anew may lie ahead
    if (step >= view.state.step - keptRounds && step <= view.state.step) continue;
    dropped.push(...payloadsOf(draft.peek(step)!));
    draft.drop(step);
  }
  if (dropped.length > 0) forgetPayloads(draft, dropped);
  forgetRecords(draft, (step) => step < view.state.step - keptRounds);
  if (draft.state.early.some(({ fields }) => fields.step < view.state.step)) {
    draft.state.early = draft.state.early.filter(({ fields }) => fields.step >= view.state.step);
  }
}
