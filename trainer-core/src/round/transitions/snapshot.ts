/** The coordinator's word: which epoch, which round, what its witnesses reported. */
import type { BlobAddress } from "@starling/network/blobAddress";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import type { Draft } from "../draft.ts";
import { type CoordinatorView, type EpochInfo, type LocalRound, retainedRounds, type RoundPlan } from "../states.ts";
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
  enterEpoch(draft, view);
  if (moved) tellPhase(draft, view);
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

function enterEpoch(draft: Draft, { state }: CoordinatorView): void {
  const { stage } = draft.state;
  if (stage.name === "starting") return;
  const inEpoch = ["Warmup", "RoundTrain", "RoundWitness", "Cooldown"].includes(state.runState);
  if (!inEpoch) return;
  const self = state.clients.findIndex(({ session }) => equalBytes(session, draft.state.rules.session));
  if (self < 0) {
    draft.state.epoch = null;
    draft.state.stage = { name: "waiting" };
    return;
  }
  const id = `${state.epoch}/${state.epochStartMs}`;
  if (draft.state.epoch?.id !== id) {
    const agreedHash = toHex(state.parameterHash);
    draft.state.epoch = {
      id,
      number: state.epoch,
      startStep: state.epochStartStep,
      coldStart: state.coldStartEpoch,
      startHash: agreedHash === zeroHash ? draft.state.initialHash! : agreedHash,
      self: state.clients[self].index,
      peers: state.clients.map(({ peerId }) => peerId),
    };
    draft.state.accused = new Set();
    draft.state.attempts = new Map([...draft.state.attempts].filter(([, attempt]) => attempt.inFlight));
    if (state.runState === "Warmup") draft.state.stage = { name: "preparing" };
    else strand(draft, "it began while this client was not following it");
    return;
  }
  if (state.runState === "Warmup") return;
  if (stage.name === "ready") draft.state.stage = { name: "training", nextStep: draft.state.epoch.startStep };
  if (stage.name === "preparing") strand(draft, "its parameters were not here when warm-up ended");
}

/** A member that does not train, apply or hash before the next epoch. It still witnesses. */
export function strand(draft: Draft, reason: string): void {
  draft.state.stage = { name: "stranded", reason };
  draft.tell({ type: "stranded", epoch: draft.state.epoch?.number ?? 0, reason });
}

function absorbRound(draft: Draft, view: CoordinatorView, plan: RoundPlan): void {
  const { epoch } = draft.state;
  if (epoch === null) return;
  const known = draft.peek(plan.step);
  // a run that began anew counts its steps anew
  if (known === undefined || known.epoch.id !== epoch.id) {
    draft.add(newRound(epoch, plan, draft.state.nowMs));
    if (known !== undefined) forgetPayloads(draft, payloadsOf(known));
    const before = draft.peek(plan.step - 1);
    if (before?.epoch === epoch) {
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

function newRound(epoch: EpochInfo, plan: RoundPlan, nowMs: number): LocalRound {
  return {
    epoch,
    plan,
    final: false,
    seenAtMs: nowMs,
    batches: new Map(),
    lists: new Map(),
    shareAtMs: null,
    report: null,
    announced: null,
    training: "open",
    parameterHash: null,
    agreed: null,
    toldBehind: false,
    attempts: new Map(),
  };
}

function payloadsOf({ batches }: Readonly<LocalRound>): BlobAddress[] {
  return [...batches.values()].flatMap(({ candidates }) => candidates.map(({ announce }) => announce.blob));
}

function prune(draft: Draft, view: CoordinatorView): void {
  const dropped: BlobAddress[] = [];
  for (const step of draft.steps()) {
    if (step >= view.state.step - retainedRounds) break;
    dropped.push(...payloadsOf(draft.peek(step)!));
    draft.drop(step);
  }
  if (dropped.length > 0) forgetPayloads(draft, dropped);
  if (draft.state.early.some(({ fields }) => fields.step < view.state.step)) {
    draft.state.early = draft.state.early.filter(({ fields }) => fields.step >= view.state.step);
  }
}
