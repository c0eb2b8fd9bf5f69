/** The parameters between epochs: having the agreed ones when an epoch begins, and putting ours up when it ends. */
import type { BlobAddress } from "@starling/network/blobAddress";
import { toHex } from "@starling/sdk/bytes";
import type { EngineJob } from "../effects.ts";
import type { Draft } from "../draft.ts";
import type { RoundEvent } from "../events.ts";
import type { ModelBlobs } from "../states.ts";
import { failuresOf, jobRetry, pauseJob } from "./jobs.ts";
import { canStartOver, strand } from "./replay.ts";
import { forgetPayloads, withoutSelf } from "./results.ts";

/** An engine that fails to apply a round twice in an epoch fails for a reason. */
const mostStartsOver = 2;
const mostImportsOfStart = 2;
const mostHashFailures = 3;
/** In the place of a hash: not that of the epoch's start, whatever else. No parameters hash to it. */
const otherParameters = "00".repeat(32);
/** What each of these jobs puts into the engine. */
const importOf = { import: "model", importStart: "run's own start", importStored: "checkpoint" };

export function loaded(draft: Draft, hash: string, blobs: ModelBlobs | null): void {
  draft.state.job = null;
  draft.state.engineHash = hash;
  draft.state.runStartHash ??= hash;
  draft.state.model = blobs === null ? null : { hash, blobs };
  draft.state.stage = { name: "waiting" };
}

/** The parameters of the epoch's start into the engine, from our own store or from peers; then the residual to zero. */
export function prepareEpoch(draft: Draft): void {
  const { stage, epoch, job, engineHash, model, rules } = draft.state;
  if (epoch === null) return;
  if (stage.name === "ready") {
    leaveWarmup(draft, epoch.startStep);
    return;
  }
  if (stage.name !== "preparing" || job !== null) return;
  if (engineHash === null) {
    if (rules.holdsPart) comparePart(draft);
    else if (draft.isDue(jobRetry("hash"))) draft.start({ kind: "hash", step: null });
  } else if (engineHash !== epoch.startHash) {
    replaceParameters(draft, engineHash);
  } else if (!rules.holdsPart && model?.hash !== engineHash) {
    const step = epoch.startStep - 1;
    if (draft.isDue(jobRetry("export"))) putUp(draft, { hash: engineHash, epoch: epoch.number, step, checkpoint: false });
  } else if (draft.isDue(jobRetry("startEpoch"))) {
    // the whole model was only wanted for its part
    if (rules.holdsPart) dropModel(draft);
    draft.start({ kind: "startEpoch", epochId: epoch.id });
  }
}

/** An engine with a part of the model: is it a part of what the epoch starts from? The model's leaves tell, a hundredth of its size. */
function comparePart(draft: Draft): void {
  const { epoch, leaves, runStartHash, rules } = draft.state;
  const want = epoch!.startHash;
  if (want === runStartHash && rules.canImportStart && failuresOf(draft, "importStart") < mostImportsOfStart) {
    if (draft.isDue(jobRetry("importStart"))) draft.start({ kind: "importStart", hash: want });
    return;
  }
  if (leaves?.hash === want) {
    if (draft.isDue(jobRetry("compare"))) draft.start({ kind: "compare", hash: want, leaves: leaves.address });
    return;
  }
  askPeers(draft, "fetchLeaves", want);
}

export function receivedLeaves(draft: Draft, hash: string, address: BlobAddress): void {
  if (draft.state.epoch?.startHash === hash) draft.state.leaves = { hash, address };
  else forgetPayloads(draft, [address]);
}

export function compared(draft: Draft, hash: string, matches: boolean): void {
  draft.state.job = null;
  draft.state.engineHash = matches ? hash : otherParameters;
  dropLeaves(draft);
}

function dropLeaves(draft: Draft): void {
  const { leaves } = draft.state;
  draft.state.leaves = null;
  if (leaves !== null) forgetPayloads(draft, [leaves.address]);
}

function replaceParameters(draft: Draft, have: string): void {
  const { epoch, model, runStartHash, rules } = draft.state;
  const want = epoch!.startHash;
  const told = { step: null, key: `resync/${epoch!.id}` };
  if (draft.attempt(told) === undefined) {
    draft.began(told);
    draft.tell({ type: "resync", epoch: epoch!.number, have, want });
  }
  if (model?.hash === want) {
    if (draft.isDue(jobRetry("import"))) draft.start({ kind: "import", blobs: model.blobs, hash: want });
    return;
  }
  if (want === runStartHash && rules.canImportStart && failuresOf(draft, "importStart") < mostImportsOfStart) {
    if (draft.isDue(jobRetry("importStart"))) draft.start({ kind: "importStart", hash: want });
    return;
  }
  // once: whoever puts a checkpoint there later starts the client again
  if (rules.canImportStored && failuresOf(draft, "importStored") === 0) {
    draft.start({ kind: "importStored", hash: want });
    return;
  }
  askPeers(draft, "fetchModel", want);
}

function askPeers(draft: Draft, type: "fetchModel" | "fetchLeaves", hash: string): void {
  const attempt = { step: null, key: `${type === "fetchModel" ? "model" : "leaves"}/${hash}` };
  if (!draft.isDue(attempt)) return;
  const others = withoutSelf(draft, draft.state.epoch!.peers);
  if (others.length === 0) return;
  // other first peers each time: not everybody is asked at once
  const first = (draft.attempt(attempt)?.tries ?? 0) % others.length;
  draft.began(attempt);
  if (type === "fetchModel") dropModel(draft);
  else dropLeaves(draft);
  draft.effects.push({ type, attempt, hash, peers: [...others.slice(first), ...others.slice(0, first)] });
}

function leaveWarmup(draft: Draft, startStep: number): void {
  const { runState, step } = draft.state.view!.state;
  // a warm-up that failed is followed by another
  if (runState === "Warmup" || (step === startStep && runState !== "RoundTrain" && runState !== "RoundWitness")) reportReady(draft);
  else draft.state.stage = { name: "training", nextStep: startStep };
}

function reportReady(draft: Draft): void {
  const { view, epoch } = draft.state;
  if (view!.state.runState !== "Warmup" || view!.state.warmupReady.includes(epoch!.self)) return;
  const attempt = { step: null, key: `call/warmup/${epoch!.id}` };
  if (draft.isDue(attempt)) draft.call(attempt, { name: "warmupWitness" });
}

export function epochStarted(draft: Draft, epochId: string): void {
  draft.state.job = null;
  const { epoch, stage, engineHash } = draft.state;
  // an engine that was replaced meanwhile holds nobody knows what
  if (stage.name !== "preparing" || epoch?.id !== epochId || engineHash === null) return;
  draft.state.stage = { name: "ready" };
  draft.tell({ type: "epochReady", epoch: epoch.number, parameterHash: engineHash ?? "" });
}

export function imported(draft: Draft, hash: string): void {
  const { job, model } = draft.state;
  draft.state.job = null;
  draft.state.engineHash = hash;
  if (job === null || !(job.kind in importOf) || !("hash" in job) || job.hash === hash) return;
  const reason = `the parameters hash to ${hash} in the engine, ${job.hash} was expected`;
  draft.tell({ type: "rejected", what: importOf[job.kind as keyof typeof importOf], reason });
  pauseJob(draft, job.kind);
  if (job.kind === "import" && model?.blobs === job.blobs) dropModel(draft);
}

export function notStored(draft: Draft): void {
  draft.state.job = null;
  pauseJob(draft, "importStored");
}

/** After the last round: if our parameters are the agreed ones they become the epoch's model, ours to serve and to store. */
export function settleEpoch(draft: Draft): void {
  const { stage, view, epoch, job, engineHash, rules } = draft.state;
  if (stage.name !== "training" || view === null || epoch === null || job !== null) return;
  const { runState, step, parameterHash, parameterHashEpoch } = view.state;
  if (runState === "RoundTrain" || runState === "RoundWitness" || runState === "Warmup") return;
  if (stage.nextStep < step) return;
  if (parameterHashEpoch !== epoch.number) {
    endEpoch(draft, "its witnesses agreed on no parameter hash; the next epoch begins where this one began");
    return;
  }
  if (rules.holdsPart) {
    // whether its part is one of the agreed parameters is seen before the next epoch
    draft.state.stage = { name: "waiting" };
    return;
  }
  if (engineHash === null) {
    if (draft.isDue(jobRetry("hash"))) draft.start({ kind: "hash", step: null });
    return;
  }
  const agreed = toHex(parameterHash);
  if (engineHash === agreed) {
    putUp(draft, { hash: agreed, epoch: epoch.number, step: step - 1, checkpoint: true });
  } else {
    endEpoch(draft, `the parameters here hash to ${engineHash}, agreed is ${agreed}; they come from peers before the next epoch`);
  }
}

function endEpoch(draft: Draft, reason: string): void {
  draft.tell({ type: "epochLost", epoch: draft.state.epoch!.number, reason });
  draft.state.stage = { name: "waiting" };
}

/** A model came from peers. One of an epoch that is over is of no use, and must not take the place of ours. */
export function receivedModel(draft: Draft, hash: string, blobs: ModelBlobs): void {
  const { epoch, model } = draft.state;
  if (epoch?.startHash !== hash || model !== null) {
    forgetPayloads(draft, addressesOf(blobs));
    return;
  }
  draft.state.model = { hash, blobs };
  const sizeBytes = blobs.tensors.reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
  draft.tell({ type: "modelReceived", parameterHash: hash, sizeBytes });
}

/** The agreed parameters only go forward: nobody will ask for the model before, and the store need not have room for both. */
function dropModel(draft: Draft): void {
  const { model } = draft.state;
  draft.state.model = null;
  if (model !== null) forgetPayloads(draft, addressesOf(model.blobs));
}

function putUp(draft: Draft, job: Omit<EngineJob & { kind: "export" }, "kind">): void {
  if (draft.state.model?.hash !== job.hash) dropModel(draft);
  draft.start({ kind: "export", ...job });
}

export function exported(draft: Draft, event: RoundEvent & { type: "exported" }): void {
  const { hash, epoch, step, blobs, checkpoint } = event;
  const { stage } = draft.state;
  draft.state.job = null;
  draft.state.model = { hash, blobs };
  draft.tell({ type: "epochModel", epoch, step, parameterHash: hash });
  if (checkpoint && stage.name === "training" && draft.state.epoch?.number === epoch) draft.state.stage = { name: "waiting" };
}

/** What the engine holds is of no use: the epoch's start again, and the rounds since; or, too far from it, the next epoch. */
export function startOver(draft: Draft, reason: string): void {
  if (draft.state.stage.name !== "training") return;
  const attempt = { step: null, key: "start over" };
  if ((draft.attempt(attempt)?.tries ?? 0) >= mostStartsOver || !canStartOver(draft)) {
    strand(draft, reason);
    return;
  }
  draft.began(attempt);
  draft.ended(attempt);
  draft.state.stage = { name: "preparing" };
}

/** The host put another engine in the place of one that failed. */
export function engineReset(draft: Draft, reason: string): void {
  draft.state.engineHash = null;
  if (draft.state.stage.name === "ready") draft.state.stage = { name: "preparing" };
  startOver(draft, reason);
}

/** The engine failed. Parameters it was changing are unknown now; the rest is tried again or left out. */
export function jobFailed(draft: Draft, job: EngineJob, message: string): void {
  draft.state.job = null;
  draft.tell({ type: "error", action: `engine: ${job.kind}`, message });
  switch (job.kind) {
    case "load":
      // without parameters there is nothing to take part with; the host decides whether to start again
      draft.state.stage = { name: "left" };
      draft.effects.push({ type: "leave" });
      return;
    case "begin":
      draft.state.engineHash = null;
      startOver(draft, `round ${job.step} could not be applied: ${message}`);
      return;
    case "train":
      if (draft.peek(job.step) !== undefined) draft.edit(job.step).training = "over";
      return;
    case "hash":
      pauseJob(draft, job.kind);
      if (failuresOf(draft, job.kind) >= mostHashFailures) strand(draft, `the parameters could not be hashed: ${message}`);
      return;
    case "compare":
      // the leaves may be gone from the store
      pauseJob(draft, job.kind);
      dropLeaves(draft);
      return;
    case "import":
      draft.state.engineHash = null;
      pauseJob(draft, job.kind);
      // its blobs may be gone from the store
      if (draft.state.model?.blobs === job.blobs && failuresOf(draft, job.kind) > 1) dropModel(draft);
      return;
    case "importStart":
    case "importStored":
      draft.state.engineHash = null;
      pauseJob(draft, job.kind);
      return;
    case "startEpoch":
      pauseJob(draft, job.kind);
      return;
    case "export":
      pauseJob(draft, job.kind);
      if (draft.state.stage.name === "training") endEpoch(draft, `its model could not be put up: ${message}`);
      return;
    default:
      job satisfies never;
  }
}

function addressesOf({ leaves, tensors }: ModelBlobs): BlobAddress[] {
  return [leaves, ...tensors];
}
