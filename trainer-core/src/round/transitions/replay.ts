/**
 * Rounds that went by unseen. Their records come from peers, their lists and results as always; then they begin one after
 * the other (rounds.ts). Who is further behind than peers keep waits for the next epoch.
 */
import { toHex } from "@starling/sdk/bytes";
import type { RecordOfRound } from "../../protocol/messages.ts";
import type { Draft } from "../draft.ts";
import type { RoundEvent } from "../events.ts";
import { newRound, planOf } from "../records.ts";
import { keptRounds, type LocalRound, retainedRounds } from "../states.ts";
import { collect, patienceMs } from "./lists.ts";
import { withoutSelf } from "./results.ts";

/** Rounds whose lists and results are on their way together, so that peers are not asked for thousands of them at once. */
const mostCollecting = 3;
/** Fewer rounds than this behind is part of how rounds go. */
const worthTelling = 2;

/** A member that does not train, apply or hash before the next epoch. It still witnesses. */
export function strand(draft: Draft, reason: string): void {
  draft.state.stage = { name: "stranded", reason };
  draft.state.replay = null;
  draft.effects.push({ type: "abandonModel" });
  draft.tell({ type: "stranded", epoch: draft.state.epoch?.number ?? 0, reason });
}

/** The round of that step if it is one of this epoch. */
function roundOf(draft: Draft, step: number): Readonly<LocalRound> | undefined {
  const round = draft.peek(step);
  return round?.epoch === draft.state.epoch ? round : undefined;
}

/** The round that begins next here, or will when the epoch's start is here; null for who does not follow the epoch. */
function nextToBegin(draft: Draft): number | null {
  const { stage, epoch } = draft.state;
  switch (stage.name) {
    case "training":
      return stage.nextStep;
    case "preparing":
    case "ready":
      return epoch?.startStep ?? null;
    case "starting":
    case "waiting":
    case "stranded":
    case "left":
      return null;
    default:
      return stage satisfies never;
  }
}

/** The first round whose record or results are needed from `nextStep` on. */
function firstNeeded(draft: Draft, nextStep: number): number {
  const lag = draft.state.rules.pipeline === "overlapped" ? 2 : 1;
  return Math.max(draft.state.epoch!.startStep, nextStep - lag);
}

/** Whether the epoch can be made good from its start. */
export function canStartOver(draft: Draft): boolean {
  const { view, epoch } = draft.state;
  return view !== null && epoch !== null && outOfReach(draft, epoch.startStep, retainedRounds) === null;
}

/** The first needed round that is not here whole and that peers do not keep any more. */
function outOfReach(draft: Draft, nextStep: number, reach: number): number | null {
  const now = draft.state.view!.state.step;
  for (let step = firstNeeded(draft, nextStep); step < now - reach; step++) {
    if (roundOf(draft, step)?.final !== true) return step;
  }
  return null;
}

/** Gets what a client that is behind needs, ahead of its use: its peers forget a round each round. */
export function catchUp(draft: Draft): void {
  const { view } = draft.state;
  const nextStep = nextToBegin(draft);
  if (view === null || nextStep === null) return;
  const now = view.state.step;
  const lost = outOfReach(draft, nextStep, draft.state.replay === null ? retainedRounds : keptRounds);
  if (lost !== null) {
    strand(draft, `step ${lost} is ${now - lost} rounds back, and members keep the last ${retainedRounds}`);
    return;
  }
  if (nextStep >= now) return;
  let collecting = 0;
  for (let step = firstNeeded(draft, nextStep); step < now; step++) {
    if (roundOf(draft, step)?.final !== true) askRecord(draft, step);
    else if (collecting < mostCollecting && "missing" in collect(draft, step)) collecting++;
    if (draft.state.stage.name === "stranded") return;
  }
}

/** A replay begins with the first round that is over and begins here, and ends with the one that is under way. */
export function tellReplay(draft: Draft): void {
  const { stage, view, replay } = draft.state;
  if (stage.name !== "training") {
    draft.state.replay = null;
    return;
  }
  const { runState, step } = view!.state;
  const toStep = runState === "RoundTrain" || runState === "RoundWitness" ? step : step - 1;
  if (replay === null) {
    if (step - stage.nextStep < worthTelling) return;
    draft.state.replay = { fromStep: stage.nextStep };
    draft.tell({ type: "replay", fromStep: stage.nextStep, toStep });
  } else if (stage.nextStep > toStep) {
    draft.state.replay = null;
    draft.tell({ type: "caughtUp", step: toStep });
  }
}

/**
 * Who may know, and how many of them must say the same: more than can lie. All honest ones do, for they have it from the
 * coordinator.
 */
function recordHolders(draft: Draft): { peers: Uint8Array[]; needed: number } {
  const { view, epoch } = draft.state;
  const slots = view!.state.clients;
  const healthy = slots.filter(({ state }) => state === "Healthy");
  const self = epoch!.peers[epoch!.self];
  const live = withoutSelf(
    draft,
    healthy.map(({ peerId }) => peerId),
  );
  // where nobody is healthy, who followed the epoch may still answer
  const peers =
    live.length > 0
      ? live
      : withoutSelf(
          draft,
          slots.map(({ peerId }) => peerId),
        );
  const members = live.length > 0 ? healthy.length : slots.length;
  const needed = members - Math.ceil((2 * members) / 3) + 1;
  // not everybody asks the same few
  const first = peers.findIndex((peer) => toHex(peer) > toHex(self));
  const rotated = first < 0 ? peers : [...peers.slice(first), ...peers.slice(0, first)];
  return { peers: rotated, needed: Math.max(1, Math.min(needed, peers.length)) };
}

const recordKey = (step: number, peer = ""): string => `record/${step}/${peer}`;

function askRecord(draft: Draft, step: number): void {
  const { peers, needed } = recordHolders(draft);
  if (peers.length === 0) {
    strand(draft, `step ${step} went by unseen, and there is no other member to ask`);
    return;
  }
  const answers = draft.state.records.get(step);
  const digests = new Set(answers?.byPeer.values());
  const agreeing = Math.max(0, ...[...digests].map((digest) => countOf(answers!.byPeer, digest, peers)));
  const asked = peers.map((peer) => {
    const attempt = { step: null, key: recordKey(step, toHex(peer)) };
    return { peer, attempt, before: draft.attempt(attempt) };
  });
  const { nowMs } = draft.state;
  const awaited = asked.filter(({ before }) => before?.inFlight === true && nowMs < before.beganAtMs + patienceMs).length;
  const due = asked
    .filter(({ peer, attempt }) => answers?.byPeer.has(toHex(peer)) !== true && draft.isDue(attempt))
    .sort((a, b) => (a.before?.tries ?? 0) - (b.before?.tries ?? 0));
  for (const { peer, attempt } of due.slice(0, Math.max(0, needed - agreeing - awaited))) {
    draft.began(attempt);
    draft.effects.push({ type: "fetchRecord", attempt, epoch: draft.state.epoch!.number, step, peer });
  }
}

function countOf(byPeer: ReadonlyMap<string, string>, digest: string, peers: readonly Uint8Array[]): number {
  return peers.filter((peer) => byPeer.get(toHex(peer)) === digest).length;
}

/** One peer's word on a round. With that of enough others it is the round's record. */
export function absorbRecord(draft: Draft, { peer, digest, record }: RoundEvent & { type: "record" }): void {
  const { epoch, view } = draft.state;
  const { step } = record;
  if (epoch === null || view === null || record.epoch !== epoch.number) return;
  if (step < epoch.startStep || step >= view.state.step || roundOf(draft, step)?.final === true) return;
  if (!fits(draft, record)) {
    draft.tell({ type: "rejected", what: `record of step ${step}`, reason: `it names slots that epoch ${epoch.number} does not have` });
    return;
  }
  const answers = draft.state.records.get(step);
  const byPeer = new Map(answers?.byPeer).set(peer, digest);
  const records = new Map(answers?.records).set(digest, record);
  draft.state.records = new Map(draft.state.records).set(step, { byPeer, records });
  const { peers, needed } = recordHolders(draft);
  if (countOf(byPeer, digest, peers) < needed) return;
  const known = roundOf(draft, step);
  const plan = planOf(record);
  if (known === undefined) draft.add({ ...newRound(epoch, plan, false, draft.state.nowMs), final: true });
  else {
    const edited = draft.edit(step);
    edited.plan = { ...plan, startedMs: known.plan.startedMs };
    edited.final = true;
  }
  forgetRecords(draft, (other) => other === step);
}

function fits(draft: Draft, { assignments, elected, step, height }: RecordOfRound): boolean {
  const { peers, startStep } = draft.state.epoch!;
  return height === step - startStep && [...assignments, ...elected].every(({ clientIndex }) => clientIndex < peers.length);
}

/** Lets go of what was asked and answered about these steps. */
export function forgetRecords(draft: Draft, which: (step: number) => boolean): void {
  const steps = [...draft.state.records.keys()].filter(which);
  if (steps.length === 0) return;
  draft.state.records = new Map([...draft.state.records].filter(([step]) => !which(step)));
  const prefixes = steps.map((step) => recordKey(step));
  draft.state.attempts = new Map([...draft.state.attempts].filter(([key]) => !prefixes.some((prefix) => key.startsWith(prefix))));
}
