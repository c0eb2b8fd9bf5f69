/** The parameters between epochs: having the agreed ones when an epoch begins, and putting ours up when it ends. */
import { addressName, type BlobAddress } from "@starling/network/blobAddress";
import { toHex } from "@starling/sdk/bytes";
import type { EngineJob } from "../effects.ts";
import type { Draft } from "../draft.ts";
import type { RoundEvent } from "../events.ts";
import { withoutSelf } from "./results.ts";
import { strand } from "./snapshot.ts";

/** Headers may differ by a little; the parameters do not. */
const modelSlackBytes = 64 * 1024;

const jobRetryKey = (kind: EngineJob["kind"]): { step: null; key: string } => ({ step: null, key: `job/${kind}` });

export function loaded(draft: Draft, hash: string, address: BlobAddress): void {
  draft.state.job = null;
  draft.state.engineHash = hash;
  draft.state.initialHash = hash;
  draft.state.modelBytes = address.sizeBytes;
  draft.state.model = { hash, address };
  draft.state.stage = { name: "waiting" };
}

/** Warm-up: the agreed parameters into the engine, from our own store or from peers; then the residual to zero. */
export function prepareEpoch(draft: Draft): void {
  const { stage, epoch, job, engineHash, model } = draft.state;
  if (epoch === null) return;
  if (stage.name === "ready") {
    reportReady(draft);
    return;
  }
  if (stage.name !== "preparing" || job !== null) return;
  if (engineHash === null) {
    draft.start({ kind: "hash", step: null });
  } else if (engineHash !== epoch.startHash) {
    replaceParameters(draft, engineHash);
  } else if (model?.hash !== engineHash) {
    const step = epoch.startStep - 1;
    if (draft.isDue(jobRetryKey("export"))) putUp(draft, { hash: engineHash, epoch: epoch.number, step, checkpoint: false });
  } else if (draft.isDue(jobRetryKey("startEpoch"))) {
    draft.start({ kind: "startEpoch", epochId: epoch.id });
  }
}

function replaceParameters(draft: Draft, have: string): void {
  const { epoch, model } = draft.state;
  const want = epoch!.startHash;
  const told = { step: null, key: `resync/${epoch!.id}` };
  if (draft.attempt(told) === undefined) {
    draft.began(told);
    draft.tell({ type: "resync", epoch: epoch!.number, have, want });
  }
  if (model?.hash === want) {
    if (draft.isDue(jobRetryKey("import"))) draft.start({ kind: "import", address: model.address, hash: want });
    return;
  }
  const attempt = { step: null, key: `model/${want}` };
  if (!draft.isDue(attempt)) return;
  const others = withoutSelf(draft, epoch!.peers);
  if (others.length === 0) return;
  // another first peer each time: the one before may have sent something else
  const first = (draft.attempt(attempt)?.tries ?? 0) % others.length;
  draft.began(attempt);
  dropModel(draft);
  const peers = [...others.slice(first), ...others.slice(0, first)];
  const maxBytes = draft.state.modelBytes + modelSlackBytes;
  draft.effects.push({ type: "fetchModel", attempt, hash: want, peers, maxBytes });
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
  if (stage.name !== "preparing" || epoch?.id !== epochId) return;
  draft.state.stage = { name: "ready" };
  draft.tell({ type: "epochReady", epoch: epoch.number, parameterHash: engineHash ?? "" });
}

export function imported(draft: Draft, hash: string): void {
  const { job, model } = draft.state;
  draft.state.job = null;
  draft.state.engineHash = hash;
  if (job?.kind !== "import" || job.hash === hash) return;
  // a blob that its address vouches for, but that is not the model a peer said it was
  draft.tell({ type: "rejected", what: "model", reason: `its parameters hash to ${hash}, ${job.hash} was asked for` });
  if (model !== null && model.address === job.address) {
    draft.state.model = null;
    forget(draft, job.address);
  }
}

/** After the last round: if our parameters are the agreed ones they become the epoch's model, ours to serve and to store. */
export function settleEpoch(draft: Draft): void {
  const { stage, view, epoch, job, engineHash } = draft.state;
  if (stage.name !== "training" || view === null || epoch === null || job !== null) return;
  const { runState, step, parameterHash, parameterHashEpoch } = view.state;
  if (runState === "RoundTrain" || runState === "RoundWitness" || runState === "Warmup") return;
  if (stage.nextStep < step) return;
  if (parameterHashEpoch !== epoch.number) {
    endEpoch(draft, "its witnesses agreed on no parameter hash; the next epoch begins where this one began");
    return;
  }
  if (engineHash === null) {
    draft.start({ kind: "hash", step: null });
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
export function receivedModel(draft: Draft, hash: string, address: BlobAddress): void {
  const { epoch, model } = draft.state;
  if (epoch?.startHash !== hash || model !== null) {
    if (model === null || addressName(model.address) !== addressName(address)) forget(draft, address);
    return;
  }
  draft.state.model = { hash, address };
  draft.tell({ type: "modelReceived", parameterHash: hash, sizeBytes: address.sizeBytes });
}

/** The agreed parameters only go forward: nobody will ask for the model before, and the store need not have room for both. */
function dropModel(draft: Draft): void {
  const { model } = draft.state;
  if (model !== null) forget(draft, model.address);
  draft.state.model = null;
}

function putUp(draft: Draft, job: Omit<EngineJob & { kind: "export" }, "kind">): void {
  if (draft.state.model?.hash !== job.hash) dropModel(draft);
  draft.start({ kind: "export", ...job });
}

function forget(draft: Draft, address: BlobAddress): void {
  draft.effects.push({ type: "forget", addresses: [address] });
}

export function exported(draft: Draft, event: RoundEvent & { type: "exported" }): void {
  const { hash, epoch, step, address, checkpoint } = event;
  const { stage } = draft.state;
  draft.state.job = null;
  draft.state.model = { hash, address };
  draft.tell({ type: "epochModel", epoch, step, parameterHash: hash });
  if (checkpoint && stage.name === "training" && draft.state.epoch?.number === epoch) draft.state.stage = { name: "waiting" };
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
      strand(draft, `round ${job.step} could not be applied: ${message}`);
      return;
    case "train":
      if (draft.peek(job.step) !== undefined) draft.edit(job.step).training = "over";
      return;
    case "hash":
      strand(draft, `the parameters could not be hashed: ${message}`);
      return;
    case "import":
      draft.state.engineHash = null;
      pause(draft, job.kind);
      if (draft.state.model?.address === job.address && job.hash !== draft.state.initialHash) {
        forget(draft, job.address);
        draft.state.model = null;
      }
      return;
    case "startEpoch":
      pause(draft, job.kind);
      return;
    case "export":
      pause(draft, job.kind);
      if (draft.state.stage.name === "training") endEpoch(draft, `its model could not be put up: ${message}`);
      return;
    default:
      job satisfies never;
  }
}

function pause(draft: Draft, kind: EngineJob["kind"]): void {
  draft.began(jobRetryKey(kind));
  draft.ended(jobRetryKey(kind));
}
