/** Does what transitions ask for, through the ports, and answers with events. Nothing it does throws to its caller. */
import { addressName, type BlobAddress } from "@starling/network/blobAddress";
import { BlobError, type BlobErrorCode, errorText, NetworkError, type NetworkErrorCode } from "@starling/network/errors";
import { sha256 } from "@noble/hashes/sha2.js";
import { equalBytes, fromHex, toHex } from "@starling/sdk/bytes";
import { CoordinatorError } from "@starling/sdk/errors";
import type { MachineErrorCode } from "@starling/sdk/machineError";
import { announceIsSigned, commitmentHash, listRoot, signAnnounce } from "../protocol/commitment.ts";
import {
  announceProtocol,
  announceRequest,
  announceResponse,
  gossipMessage,
  gossipTopic,
  listProtocol,
  listRequest,
  listResponse,
  type ModelManifest,
  modelProtocol,
  modelRequest,
  modelResponse,
  recordProtocol,
  recordRequest,
  recordResponse,
} from "../protocol/messages.ts";
import { bytesOfTensor, valuesOfTensor } from "../checkpoint/modelTensors.ts";
import { merkleRoot } from "../compress/merkle.ts";
import type { TelemetryEvent } from "../telemetry/events.ts";
import type { AttemptId, CoordinatorCall, Effect, EngineJob } from "./effects.ts";
import type { RoundEvent } from "./events.ts";
import { ModelDownload } from "./modelDownload.ts";
import type { RoundPorts } from "./ports.ts";
import type { ModelBlobs } from "./states.ts";

/** A `RoundEvent` without its time, which the client adds. */
export type Occurrence = RoundEvent extends infer E ? (E extends RoundEvent ? Omit<E, "atMs"> : never) : never;

export interface RunnerHost {
  runId: string;
  maxPayloadBytes: number;
  dispatch(occurrence: Occurrence): void;
  tell(event: TelemetryEvent): void;
  /** leaving is done, well or not */
  left(): void;
  signal: AbortSignal;
}

const requestTimeoutMs = 5_000;
const leaveTimeoutMs = 3_000;

/** Refusals that only say that the run went on while the call was on its way. */
const overtaken: ReadonlySet<string> = new Set<MachineErrorCode>([
  "InvalidRunState",
  "Halted",
  "WrongStep",
  "NotLive",
  "DuplicateWitness",
  "DuplicateDownloaded",
  "DuplicateVote",
  "AlreadyEjected",
  "InvalidHealthCheck",
]);

/** A peer was asked for something it does not have, or not yet. */
class NotThereError extends Error {}

/** A peer that is away, slow or busy, or that left the run after the round began. */
const peerTrouble: ReadonlySet<string> = new Set<NetworkErrorCode>(["not-a-member", "unreachable", "refused", "timeout", "overloaded"]);
const providerTrouble: ReadonlySet<string> = new Set<BlobErrorCode>(["not-found", "unreachable", "stalled", "aborted"]);

/** Part of how rounds go: others are asked, or it is tried again, and nobody needs to know. What stays missing is told as such. */
function isExpected(error: unknown): boolean {
  if (error instanceof CoordinatorError) return overtaken.has(error.machineCode ?? "");
  if (error instanceof NetworkError) return peerTrouble.has(error.code);
  return error instanceof NotThereError || (error instanceof BlobError && providerTrouble.has(error.code));
}

export class EffectRunner {
  readonly #ports: RoundPorts;
  readonly #host: RunnerHost;
  #download: ModelDownload | null = null;

  constructor(ports: RoundPorts, host: RunnerHost) {
    this.#ports = ports;
    this.#host = host;
  }

  run(effect: Effect): void {
    switch (effect.type) {
      case "tell":
        this.#host.tell(effect.event);
        return;
      case "setMembers":
        this.#guard("set members", async () => this.#ports.network.setMembers(effect.members));
        return;
      case "publish":
        this.#guard(`publish ${effect.message.type}`, () =>
          this.#ports.network.publish(gossipTopic(this.#host.runId), gossipMessage.encode(effect.message)),
        );
        return;
      case "forget":
        for (const address of effect.addresses) this.#ports.blobs.remove(address);
        return;
      case "leave":
        void this.#leave();
        return;
      case "engine":
        void this.#engineJob(effect.job);
        return;
      case "call":
        this.#try(effect.attempt, `coordinator: ${effect.call.name}`, async () => {
          await this.#call(effect.call);
          this.#host.dispatch({ type: "callDone", attempt: effect.attempt });
        });
        return;
      case "fetchBlob":
        this.#try(effect.attempt, `fetch a result of step ${effect.step}`, () => this.#fetchBlob(effect));
        return;
      case "fetchAnnounce":
        this.#try(effect.attempt, `fetch an announcement of step ${effect.step}`, () => this.#fetchAnnounce(effect));
        return;
      case "fetchList":
        this.#try(effect.attempt, `fetch a witness list of step ${effect.step}`, () => this.#fetchList(effect));
        return;
      case "fetchRecord":
        this.#try(effect.attempt, `fetch the record of step ${effect.step}`, () => this.#fetchRecord(effect));
        return;
      case "fetchModel":
        this.#try(effect.attempt, "fetch the model", () => this.#fetchModel(effect));
        return;
      case "fetchLeaves":
        this.#try(effect.attempt, "fetch the model's leaves", () => this.#fetchLeaves(effect));
        return;
      case "abandonModel":
        this.#download?.abandon();
        this.#download = null;
        return;
      default:
        effect satisfies never;
    }
  }

  #try(attempt: AttemptId, action: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (this.#host.signal.aborted) return;
      const expected = isExpected(error);
      this.#host.dispatch({ type: "attemptFailed", attempt, action, message: errorText(error), expected });
    });
  }

  #guard(action: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#host.tell({ type: "error", action, message: errorText(error) }));
  }

  async #leave(): Promise<void> {
    const timeout = new AbortController();
    const cancel = this.#ports.clock.after(leaveTimeoutMs, () => timeout.abort(new Error(`took longer than ${leaveTimeoutMs} ms`)));
    try {
      await this.#ports.coordinator.leave(AbortSignal.any([this.#host.signal, timeout.signal]));
    } catch (error) {
      this.#host.tell({ type: "error", action: "leave", message: errorText(error) });
    } finally {
      cancel();
    }
    this.#host.tell({ type: "left" });
    this.#host.left();
  }

  async #call(call: CoordinatorCall): Promise<void> {
    const { coordinator, reveals } = this.#ports;
    const { signal } = this.#host;
    switch (call.name) {
      case "warmupWitness":
        return coordinator.warmupWitness(signal);
      case "witness": {
        const reveal = reveals.preimageOf(call.chainHead);
        if (reveal === null) throw new Error("the coordinator holds a chain head that is not ours; join again with a fresh chain");
        const { name: _, chainHead: __, ...report } = call;
        return coordinator.witness({ ...report, reveal }, signal);
      }
      case "downloaded":
        return coordinator.downloaded(call.step, call.listsHeld, signal);
      case "healthCheck":
        return coordinator.healthCheck(call.clients, signal);
      case "reportEquivocation":
        return coordinator.reportEquivocation(call.client, signal);
      default:
        call satisfies never;
    }
  }

  async #fetchBlob(effect: Effect & { type: "fetchBlob" }): Promise<void> {
    const { attempt, step, candidate, announce, providers } = effect;
    const options = { signal: this.#host.signal, maxBytes: this.#host.maxPayloadBytes };
    const sinceMs = this.#ports.clock.nowMs();
    const payload = await this.#ports.blobs.get(announce.blob, providers, options);
    this.#tellDownload("result", step, payload.byteLength, sinceMs);
    const reason = this.#whyBad(announce.fields, announce.commitment, payload);
    if (reason === null) {
      this.#host.dispatch({ type: "blobHeld", attempt, step, candidate });
      return;
    }
    this.#host.dispatch({ type: "blobBad", attempt, step, candidate, reason });
  }

  #whyBad(fields: Parameters<typeof commitmentHash>[0], commitment: Uint8Array, payload: Uint8Array): string | null {
    if (!equalBytes(commitmentHash(fields, payload), commitment)) return "the payload is not the one committed to";
    try {
      this.#ports.engine.checkPayload(payload);
      return null;
    } catch (error) {
      return `the payload is not a result of this model: ${errorText(error)}`;
    }
  }

  async #fetchAnnounce(effect: Effect & { type: "fetchAnnounce" }): Promise<void> {
    const { attempt, step, batch, commitment, peer } = effect;
    const request = announceRequest.encode({ runId: this.#host.runId, step, batch, commitment });
    const sinceMs = this.#ports.clock.nowMs();
    const answer = await this.#request(peer, announceProtocol, request, announceResponse.maxBytes);
    const announce = announceResponse.decode(answer);
    if (announce === null) throw new NotThereError(`peer ${short(peer)} has no announcement of batch ${batch}`);
    const { fields } = announce;
    const isWanted = commitment === null || equalBytes(announce.commitment, commitment);
    if (fields.step !== step || fields.batch !== batch || !isWanted || !announceIsSigned(announce, this.#ports.verify)) {
      throw new Error(`peer ${short(peer)} answered with an announcement that was not asked for, or is not signed`);
    }
    this.#tellDownload("announce", step, answer.byteLength, sinceMs);
    this.#host.dispatch({ type: "announce", announce, requested: attempt });
  }

  async #fetchList(effect: Effect & { type: "fetchList" }): Promise<void> {
    const { attempt, step, root, peer } = effect;
    const request = listRequest.encode({ runId: this.#host.runId, step, root });
    const sinceMs = this.#ports.clock.nowMs();
    const answer = await this.#request(peer, listProtocol, request, listResponse.maxBytes);
    const list = listResponse.decode(answer);
    if (list === null) throw new NotThereError(`peer ${short(peer)} does not hold the list ${toHex(root).slice(0, 8)}`);
    if (!equalBytes(listRoot(list.runId, list.epoch, list.step, list.entries), root)) {
      throw new Error(`peer ${short(peer)} answered with a list of another root`);
    }
    this.#tellDownload("list", step, answer.byteLength, sinceMs);
    this.#host.dispatch({ type: "list", list, root: toHex(root), requested: attempt });
  }

  async #fetchRecord(effect: Effect & { type: "fetchRecord" }): Promise<void> {
    const { attempt, epoch, step, peer } = effect;
    const request = recordRequest.encode({ runId: this.#host.runId, epoch, step });
    const sinceMs = this.#ports.clock.nowMs();
    const answer = await this.#request(peer, recordProtocol, request, recordResponse.maxBytes);
    const record = recordResponse.decode(answer);
    if (record === null) throw new NotThereError(`peer ${short(peer)} does not keep the record of step ${step}`);
    if (record.epoch !== epoch || record.step !== step) {
      throw new Error(`peer ${short(peer)} answered with the record of epoch ${record.epoch}, step ${record.step}, not of step ${step}`);
    }
    this.#tellDownload("record", step, answer.byteLength, sinceMs);
    // a decoder takes no two forms of one record: equal bytes, equal records
    this.#host.dispatch({ type: "record", attempt, peer: toHex(peer), digest: toHex(sha256(answer)), record });
  }

  #tellDownload(what: Extract<TelemetryEvent, { type: "download" }>["what"], step: number, bytes: number, sinceMs: number): void {
    this.#host.tell({ type: "download", what, step, bytes, ms: this.#ports.clock.nowMs() - sinceMs });
  }

  #request(peer: Uint8Array, protocol: string, request: Uint8Array, maxResponseBytes: number): Promise<Uint8Array> {
    const options = { maxResponseBytes, signal: this.#host.signal, timeoutMs: requestTimeoutMs };
    return this.#ports.network.request(peer, protocol, request, options);
  }

  async #fetchModel({ attempt, hash, peers }: Effect & { type: "fetchModel" }): Promise<void> {
    const download = this.#downloadOf(hash);
    const held = await download.from(peers, this.#host.signal);
    if (this.#download === download) this.#download = null;
    this.#host.dispatch({ type: "modelHeld", attempt, hash, blobs: held });
  }

  /** The tensors may be wanted after them: what the download knows stays. */
  async #fetchLeaves({ attempt, hash, peers }: Effect & { type: "fetchLeaves" }): Promise<void> {
    const leaves = await this.#downloadOf(hash).leavesFrom(peers, this.#host.signal);
    this.#host.dispatch({ type: "leavesHeld", attempt, hash, leaves });
  }

  #downloadOf(hash: string): ModelDownload {
    const { tensors, blobs, clock, modelCache: cache = null } = this.#ports;
    if (this.#download?.hash !== hash) {
      this.#download?.abandon();
      const ask = async (peer: Uint8Array): Promise<ModelManifest | null> => {
        const request = modelRequest.encode({ runId: this.#host.runId, parameterHash: fromHex(hash, 32)! });
        return modelResponse.decode(await this.#request(peer, modelProtocol, request, modelResponse.maxBytes));
      };
      this.#download = new ModelDownload({ hash, tensors, blobs, cache, clock, ask, tell: (event) => this.#host.tell(event) });
      this.#guard("clear the model cache", async () => cache?.clear(hash));
    }
    return this.#download;
  }

  async #engineJob(job: EngineJob): Promise<void> {
    let occurrence: Occurrence;
    try {
      occurrence = await this.#doJob(job);
    } catch (error) {
      occurrence = { type: "jobFailed", job, message: errorText(error) };
    }
    this.#host.dispatch(occurrence);
  }

  async #doJob(job: EngineJob): Promise<Occurrence> {
    const { engine } = this.#ports;
    switch (job.kind) {
      case "load":
        if (engine.holdsPart) return { type: "loaded", hash: toHex(await engine.parameterHash()), blobs: null };
        return { type: "loaded", ...(await this.#putUp()) };
      case "startEpoch":
        await engine.startEpoch();
        return { type: "epochStarted", epochId: job.epochId };
      case "import": {
        const values = this.#ports.tensors.map(({ name }, i) => [name, valuesOfTensor(this.#held(job.blobs.tensors[i]))] as const);
        await engine.importParameters(new Map(values));
        return this.#imported();
      }
      case "importStart":
        if (engine.importStart === undefined) throw new Error("this engine cannot put the run's own start back");
        await engine.importStart();
        return this.#imported();
      case "importStored": {
        const parameters = await this.#ports.checkpoints?.parametersOf?.(job.hash);
        if (!parameters) return { type: "notStored" };
        await engine.importParameters(parameters);
        return this.#imported();
      }
      case "begin":
        await engine.beginRound({ ...job.round, results: job.results.map((address) => this.#held(address)) });
        return { type: "began", step: job.step };
      case "compare": {
        if (!engine.matchesLeaves) throw new Error("this engine holds the whole model");
        return { type: "compared", hash: job.hash, matches: await engine.matchesLeaves(this.#held(job.leaves)) };
      }
      case "hash":
        return { type: "hashed", step: job.step, hash: await engine.parameterHash() };
      case "train":
        return this.#train(job);
      case "export": {
        const { hash, epoch, step, checkpoint } = job;
        const up = await this.#putUp();
        if (up.hash !== hash) throw new Error(`the engine's parameters hash to ${up.hash}, those to put up to ${hash}`);
        if (checkpoint) this.#saveCheckpoint(job, up.parameters);
        return { type: "exported", hash, epoch, step, blobs: up.blobs, checkpoint };
      }
      default:
        return job satisfies never;
    }
  }

  async #imported(): Promise<Occurrence> {
    return { type: "imported", hash: toHex(await this.#ports.engine.parameterHash()) };
  }

  /** The engine's parameters into the blob store, without another copy of them. */
  async #putUp(): Promise<{ hash: string; blobs: ModelBlobs; parameters: ReadonlyMap<string, Float32Array> }> {
    const { engine, blobs, tensors } = this.#ports;
    const leaves = await engine.parameterLeaves();
    const parameters = await engine.exportParameters();
    const addresses: BlobAddress[] = [];
    for (const { name } of tensors) {
      const values = parameters.get(name);
      if (values === undefined) throw new Error(`the engine has no tensor ${name}`);
      addresses.push(await blobs.put(bytesOfTensor(values)));
    }
    return { hash: toHex(merkleRoot(leaves)), blobs: { leaves: await blobs.put(leaves), tensors: addresses }, parameters };
  }

  #held(address: BlobAddress): Uint8Array {
    const bytes = this.#ports.blobs.peek(address);
    if (bytes === undefined) throw new Error(`blob ${addressName(address).slice(0, 8)} is gone from the store; raise its capacity`);
    return bytes;
  }

  async #train(job: EngineJob & { kind: "train" }): Promise<Occurrence> {
    const { data, engine, blobs, signer } = this.#ports;
    const { step, learningRate } = job;
    const sequences = await data.getSequences(job.fields.start, job.fields.end, this.#host.signal);
    const { payload, residualRoot, loss, tokens, trainMs } = await engine.train({ sequences, learningRate });
    const fields = { ...job.fields, residualRoot, payloadBytes: payload.byteLength };
    const announce = await signAnnounce(signer, fields, commitmentHash(fields, payload), await blobs.put(payload));
    return { type: "trained", step, announce, loss, tokens, trainMs };
  }

  /** Storing does not hold up the next epoch. */
  #saveCheckpoint(job: EngineJob & { kind: "export" }, parameters: ReadonlyMap<string, Float32Array>): void {
    const { checkpoints } = this.#ports;
    if (checkpoints === null) return;
    const { epoch, step, hash } = job;
    const parameterHash = fromHex(hash, 32)!;
    this.#guard("save the checkpoint", async () => {
      const location = await checkpoints.save({ epoch, step, parameterHash, parameters });
      this.#host.tell({ type: "checkpoint", epoch, step, parameterHash: hash, location });
      // what came in for an epoch before is on the disk twice now
      await this.#ports.modelCache?.clear(null);
    });
  }
}

function short(peer: Uint8Array): string {
  return toHex(peer).slice(0, 8);
}
