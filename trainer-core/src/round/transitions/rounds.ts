/** A round's work in the engine: apply what was agreed, train the own batch. Strictly in order, the same on every client. */
import { fromHex, toHex } from "@starling/sdk/bytes";
import type { Draft } from "../draft.ts";
import type { RoundEvent } from "../events.ts";
import type { LocalRound } from "../states.ts";
import { jobRetry } from "./jobs.ts";
import { collect } from "./lists.ts";
import { addOwnResult, forgetPayloads } from "./results.ts";

/** Begins the next round as soon as everything it applies is here. */
export function beginNextRound(draft: Draft): void {
  const { stage, view, epoch, job, rules } = draft.state;
  if (stage.name !== "training" || view === null || epoch === null) return;
  const { nextStep } = stage;
  const round = draft.peek(nextStep);
  // not begun at the coordinator either, or its record is on its way (replay.ts)
  if (round?.epoch !== epoch) return;
  const appliedStep = nextStep - (rules.pipeline === "overlapped" ? 2 : 1);
  const collected = appliedStep < epoch.startStep ? { results: [] } : collect(draft, appliedStep);
  if ("missing" in collected) {
    // the round before is under way at the coordinator while its record is not final
    if (appliedStep < view.state.step) tellBehind(draft, nextStep, collected.missing);
    return;
  }
  // while the engine is busy the fetches above are on their way already
  if (job !== null) return;
  const { results } = collected;
  const learningRate = rateOf(draft, nextStep);
  const { drain, height } = round.plan;
  const lookahead = rules.pipeline === "overlapped" && !drain && height > 0;
  draft.start({
    kind: "begin",
    step: nextStep,
    appliedStep: results.length > 0 ? appliedStep : null,
    batches: results.map(({ batch }) => batch),
    results: results.map(({ address }) => address),
    round: {
      applyLearningRate: results.length > 0 ? learningRate : null,
      decayLearningRate: drain ? null : learningRate,
      pipeline: rules.pipeline,
      lookaheadLearningRate: lookahead ? rateOf(draft, nextStep - 1) : null,
    },
  });
}

function rateOf(draft: Draft, step: number): number {
  const epoch = draft.state.epoch!;
  return draft.state.rules.learningRate(step, epoch.coldStart ? epoch.startStep : null);
}

function tellBehind(draft: Draft, step: number, missing: string): void {
  if (draft.peek(step)!.toldBehind) return;
  draft.edit(step).toldBehind = true;
  draft.tell({ type: "behind", step, missing });
}

export function began(draft: Draft, step: number): void {
  const { job, stage } = draft.state;
  draft.state.job = null;
  draft.state.engineHash = null;
  if (job?.kind === "begin") {
    draft.tell({
      type: "roundBegan",
      step,
      appliedStep: job.appliedStep,
      batches: job.batches,
      learningRate: rateOfJob(job.round.applyLearningRate, job.round.decayLearningRate),
    });
  }
  if (stage.name === "training" && stage.nextStep === step) draft.state.stage = { name: "training", nextStep: step + 1 };
}

function rateOfJob(apply: number | null, decay: number | null): number {
  return apply ?? decay ?? 0;
}

/** The round that began last, while nothing else has changed the parameters. */
function begunRound(draft: Draft): Readonly<LocalRound> | null {
  const { stage, epoch, job } = draft.state;
  if (stage.name !== "training" || job !== null) return null;
  const round = draft.peek(stage.nextStep - 1);
  return round?.epoch === epoch ? (round ?? null) : null;
}

/** Is this the last round of its epoch, whose witnesses report the parameter hash? */
export function isLastRound(draft: Draft, step: number): boolean {
  const lastStep = draft.state.view?.state.lastStep ?? 0;
  return lastStep !== 0 && step === lastStep - 1;
}

export function hashRound(draft: Draft): void {
  const round = begunRound(draft);
  if (round === null || round.parameterHash !== null || draft.state.rules.holdsPart) return;
  const { step } = round.plan;
  if (!draft.state.rules.hashEveryRound && !isLastRound(draft, step)) return;
  if (draft.isDue(jobRetry("hash"))) draft.start({ kind: "hash", step });
}

export function hashed(draft: Draft, step: number | null, hash: Uint8Array): void {
  draft.state.job = null;
  draft.state.engineHash = toHex(hash);
  if (step === null || draft.peek(step) === undefined) return;
  draft.edit(step).parameterHash = hash;
  draft.tell({ type: "parameterHash", step, parameterHash: toHex(hash) });
}

/** Trains our batch of the round that began last, if that round is still under way. */
export function trainBatch(draft: Draft): void {
  const round = begunRound(draft);
  const { view, rules, stopping } = draft.state;
  if (round === null || round.training !== "open" || view === null || stopping !== null) return;
  const { step, assignments } = round.plan;
  if (view.state.runState !== "RoundTrain" || view.state.step !== step || step < round.epoch.trainsFrom) return;
  const own = assignments.find(({ clientIndex }) => clientIndex === round.epoch.self);
  if (own === undefined) return;
  draft.edit(step).training = "running";
  draft.start({
    kind: "train",
    step,
    learningRate: rateOf(draft, step),
    fields: {
      runId: rules.runId,
      epoch: round.epoch.number,
      step,
      batch: own.batch,
      start: own.start,
      end: own.end,
      sender: round.epoch.peers[round.epoch.self],
      epochStartHash: fromHex(round.epoch.startHash, 32)!,
    },
  });
}

export function trained(draft: Draft, event: RoundEvent & { type: "trained" }): void {
  const { step, announce, loss, tokens, trainMs } = event;
  draft.state.job = null;
  draft.tell({ type: "trained", step, loss, tokens, trainMs, payloadBytes: announce.fields.payloadBytes });
  if (draft.peek(step) === undefined) {
    // trained for longer than rounds are kept: nobody will ask for it
    forgetPayloads(draft, [announce.blob]);
    return;
  }
  const round = draft.edit(step);
  round.training = "over";
  round.trained = { loss, tokens, trainMs };
  addOwnResult(draft, announce);
  // too late to count, but it shows that we work: said once, while a result in time is repeated
  if (draft.state.view?.state.step !== step) draft.effects.push({ type: "publish", message: { type: "announce", value: announce } });
  draft.tell({ type: "announced", step, batch: announce.fields.batch, commitment: toHex(announce.commitment) });
}
