/** Does what transitions ask for, through the ports, and answers with events. Nothing it does throws to its caller. */
import { addressName, type BlobAddress } from "@starling/network/blobAddress";
import { BlobError, NetworkError } from "@starling/network/errors";
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
  modelProtocol,
  modelRequest,
  modelResponse,
} from "../protocol/messages.ts";
import type { TelemetryEvent } from "../telemetry/events.ts";
import type { AttemptId, CoordinatorCall, Effect, EngineJob } from "./effects.ts";
import type { RoundEvent } from "./events.ts";
import type { RoundPorts } from "./ports.ts";

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
/** Peers asked at once where the model is; its bytes come from those that gave the commonest answer. */
const mostModelPeers = 8;

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

/** Part of how rounds go: others are asked, or it is tried again, and nobody needs to know. */
function isExpected(error: unknown): boolean {
  if (error instanceof CoordinatorError) return overtaken.has(error.machineCode ?? "");
  // who left the run was a member when the round began
  if (error instanceof NetworkError) return error.code === "not-a-member";
  return error instanceof NotThereError || (error instanceof BlobError && error.code === "not-found");
}

export class EffectRunner {
  readonly #ports: RoundPorts;
  readonly #host: RunnerHost;

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
      case "fetchModel":
        this.#try(effect.attempt, "fetch the model", () => this.#fetchModel(effect));
        return;
      default:
        effect satisfies never;
    }
  }

  #try(attempt: AttemptId, action: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (this.#host.signal.aborted) return;
      const expected = isExpected(error);
      this.#host.dispatch({ type: "attemptFailed", attempt, action, message: textOf(error), expected });
    });
  }

  #guard(action: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#host.tell({ type: "error", action, message: textOf(error) }));
  }

  async #leave(): Promise<void> {
    const timeout = new AbortController();
    const cancel = this.#ports.clock.after(leaveTimeoutMs, () => timeout.abort(new Error(`took longer than ${leaveTimeoutMs} ms`)));
    try {
      await this.#ports.coordinator.leave(AbortSignal.any([this.#host.signal, timeout.signal]));
    } catch (error) {
      this.#host.tell({ type: "error", action: "leave", message: textOf(error) });
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
        const { step, bitmap, parameterHash } = call;
        return coordinator.witness({ step, bitmap, listRoot: call.listRoot, reveal, parameterHash }, signal);
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
    const payload = await this.#ports.blobs.get(announce.blob, providers, options);
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
      return `the payload is not a result of this model: ${textOf(error)}`;
    }
  }

  async #fetchAnnounce(effect: Effect & { type: "fetchAnnounce" }): Promise<void> {
    const { attempt, step, batch, commitment, peer } = effect;
    const request = announceRequest.encode({ runId: this.#host.runId, step, batch, commitment });
    const announce = announceResponse.decode(await this.#request(peer, announceProtocol, request, announceResponse.maxBytes));
    if (announce === null) throw new NotThereError(`peer ${short(peer)} has no announcement of batch ${batch}`);
    const { fields } = announce;
    const isWanted = commitment === null || equalBytes(announce.commitment, commitment);
    if (fields.step !== step || fields.batch !== batch || !isWanted || !announceIsSigned(announce, this.#ports.verify)) {
      throw new Error(`peer ${short(peer)} answered with an announcement that was not asked for, or is not signed`);
    }
    this.#host.dispatch({ type: "announce", announce, requested: attempt });
  }

  async #fetchList(effect: Effect & { type: "fetchList" }): Promise<void> {
    const { attempt, step, root, peer } = effect;
    const request = listRequest.encode({ runId: this.#host.runId, step, root });
    const list = listResponse.decode(await this.#request(peer, listProtocol, request, listResponse.maxBytes));
    if (list === null) throw new NotThereError(`peer ${short(peer)} does not hold the list ${toHex(root).slice(0, 8)}`);
    if (!equalBytes(listRoot(list.runId, list.epoch, list.step, list.entries), root)) {
      throw new Error(`peer ${short(peer)} answered with a list of another root`);
    }
    this.#host.dispatch({ type: "list", list, root: toHex(root), requested: attempt });
  }

  #request(peer: Uint8Array, protocol: string, request: Uint8Array, maxResponseBytes: number): Promise<Uint8Array> {
    const options = { maxResponseBytes, signal: this.#host.signal, timeoutMs: requestTimeoutMs };
    return this.#ports.network.request(peer, protocol, request, options);
  }

  async #fetchModel(effect: Effect & { type: "fetchModel" }): Promise<void> {
    const { attempt, hash, peers, maxBytes } = effect;
    const parameterHash = fromHex(hash, 32)!;
    const request = modelRequest.encode({ runId: this.#host.runId, parameterHash });
    const answers = await Promise.allSettled(
      peers.slice(0, mostModelPeers).map(async (peer) => {
        const address = modelResponse.decode(await this.#request(peer, modelProtocol, request, modelResponse.maxBytes));
        return { peer, address };
      }),
    );
    const holders = new Map<string, { address: BlobAddress; peers: Uint8Array[] }>();
    for (const answer of answers) {
      if (answer.status === "rejected" || answer.value.address === null) continue;
      const { root, sizeBytes } = answer.value.address;
      const address = { root, sizeBytes: Number(sizeBytes) };
      const name = addressName(address);
      const group = holders.get(name) ?? { address, peers: [] };
      group.peers.push(answer.value.peer);
      holders.set(name, group);
    }
    const best = [...holders.values()].sort((a, b) => b.peers.length - a.peers.length)[0];
    if (best === undefined) throw new Error(`none of ${answers.length} peers holds the parameters ${hash.slice(0, 8)}`);
    await this.#ports.blobs.get(best.address, best.peers, { signal: this.#host.signal, maxBytes });
    this.#host.dispatch({ type: "modelHeld", attempt, hash, address: best.address });
  }

  async #engineJob(job: EngineJob): Promise<void> {
    let occurrence: Occurrence;
    try {
      occurrence = await this.#doJob(job);
    } catch (error) {
      occurrence = { type: "jobFailed", job, message: textOf(error) };
    }
    this.#host.dispatch(occurrence);
  }

  async #doJob(job: EngineJob): Promise<Occurrence> {
    const { engine, blobs, modelCodec } = this.#ports;
    switch (job.kind) {
      case "load": {
        const hash = toHex(await engine.parameterHash());
        const address = await blobs.put(modelCodec.encode(await engine.exportParameters()));
        return { type: "loaded", hash, address };
      }
      case "startEpoch":
        await engine.startEpoch();
        return { type: "epochStarted", epochId: job.epochId };
      case "import": {
        await engine.importParameters(modelCodec.decode(this.#held(job.address)));
        return { type: "imported", hash: toHex(await engine.parameterHash()) };
      }
      case "begin":
        await engine.beginRound({ ...job.round, results: job.results.map((address) => this.#held(address)) });
        return { type: "began", step: job.step };
      case "hash":
        return { type: "hashed", step: job.step, hash: await engine.parameterHash() };
      case "train":
        return this.#train(job);
      case "export": {
        const parameters = await engine.exportParameters();
        const address = await blobs.put(modelCodec.encode(parameters));
        const { hash, epoch, step, checkpoint } = job;
        if (checkpoint) this.#saveCheckpoint(job, parameters);
        return { type: "exported", hash, epoch, step, address, checkpoint };
      }
      default:
        return job satisfies never;
    }
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
    });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function short(peer: Uint8Array): string {
  return toHex(peer).slice(0, 8);
}
