import { type PeerKey, type PeerNetwork, RequestSealer } from "@starling/network";
import { equalBytes, sha256, toHex } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import { Continuity } from "./continuity.ts";
import { CoordinatorError, isFinalRefusal } from "./errors.ts";
import type { SessionGrant } from "./grant.ts";
import {
  CALL_DOMAIN,
  CALL_PROTOCOL,
  CALLS,
  type CallBody,
  type CallName,
  MAX_CALL_RESPONSE_BYTES,
  MAX_RUN_INFO_BYTES,
  readCallResponse,
  RUN_INFO,
  RUN_INFO_PROTOCOL,
  STATE_PROTOCOL,
  SUBSCRIBE,
  SUBSCRIBE_METHOD,
} from "./protocol.ts";
import { type HistoryEntry, readHistory } from "./roundHistory.ts";
import { asCoordinatorError, FIRST_BACKOFF_MS, longer, pause } from "./retry.ts";
import { FrameReader, MAX_FRAME_BYTES } from "./snapshotFrames.ts";
import type { ChainRenewal, ConnectionStatus, TcpCoordinatorOptions } from "./tcpOptions.ts";
import type { CoordinatorPort, Membership, RunInfo, Snapshot, WitnessReport } from "./types.ts";
import { decodeAs, encodeAs, type Shape } from "./wire.ts";

const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

export async function askRunInfo(
  network: PeerNetwork,
  peer: PeerKey,
  timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
  signal?: AbortSignal,
): Promise<RunInfo> {
  const limits = { maxResponseBytes: MAX_RUN_INFO_BYTES, timeoutMs, signal };
  return decodeAs(RUN_INFO, await network.request(peer, RUN_INFO_PROTOCOL, new Uint8Array(0), limits), "run info");
}

interface Joined {
  membership: Membership;
  multiaddrs: string[];
}

/** The coordinator at the other end of a network; `connectTcpCoordinator` makes one. */
export class TcpCoordinator implements CoordinatorPort {
  readonly #network: PeerNetwork;
  readonly #peer: PeerKey;
  readonly #runId: string;
  readonly #clock: Clock;
  readonly #sealer: RequestSealer;
  readonly #session: Uint8Array;
  readonly #grantSource: TcpCoordinatorOptions["grant"];
  readonly #requestTimeoutMs: number;
  readonly #onStatus: (status: ConnectionStatus) => void;
  /** where to ask who answers now; null when the coordinator was named by its key */
  readonly #address: string | null;
  readonly #chain: ChainRenewal | null;
  readonly #continuity = new Continuity();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  #newest: Snapshot | null = null;
  #joined: Joined | null = null;
  /** the owner was ejected: no call changes that */
  #ejected: CoordinatorError | null = null;
  /** the coordinator that answers is not where ours was */
  #lost: CoordinatorError | null = null;
  #renewing = false;
  #joining = false;
  #told = "";
  #grant: Promise<SessionGrant> | null = null;

  constructor(options: TcpCoordinatorOptions, clock: Clock, peer: PeerKey, runId: string) {
    this.#network = options.network;
    this.#peer = peer;
    this.#runId = runId;
    this.#clock = clock;
    this.#session = options.session.publicKey;
    this.#sealer = new RequestSealer({ domain: CALL_DOMAIN, runId, signer: options.session, now: () => clock.nowMs() });
    this.#grantSource = options.grant;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#onStatus = options.onStatus ?? (() => {});
    const { coordinator } = options;
    this.#address = typeof coordinator === "string" && !coordinator.includes("/p2p/") ? coordinator : null;
    this.#chain = options.chain ?? null;
    this.#finished = this.#stayConnected();
  }

  async runInfo(signal?: AbortSignal): Promise<RunInfo> {
    this.#requireOpen();
    try {
      return await askRunInfo(this.#network, this.#peer, this.#requestTimeoutMs, this.#anySignal(signal));
    } catch (error) {
      throw this.#explain(error, "runInfo");
    }
  }

  /** `readHistory` of this coordinator. */
  async history(fromStep: number, limit?: number, signal?: AbortSignal): Promise<HistoryEntry[]> {
    this.#requireOpen();
    const options = { timeoutMs: this.#requestTimeoutMs, signal: this.#anySignal(signal) };
    try {
      return await readHistory(this.#network, this.#peer, fromStep, limit, options);
    } catch (error) {
      throw this.#explain(error, "history");
    }
  }

  snapshot(): Snapshot | null {
    return this.#newest;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#requireOpen();
    this.#listeners.add(listener);
    if (this.#newest !== null) listener(this.#newest);
    return () => void this.#listeners.delete(listener);
  }

  async join(membership: Membership, multiaddrs: string[], signal?: AbortSignal): Promise<void> {
    if (!equalBytes(membership.session, this.#session)) {
      throw new CoordinatorError("bad-grant", "the membership names another session key than the one that signs the calls");
    }
    const joined = { membership: { ...membership }, multiaddrs: [...multiaddrs] };
    await this.#sendJoin(joined, signal);
    this.#joined = joined;
  }

  async leave(signal?: AbortSignal): Promise<void> {
    // first, so that a reconnection during the call does not join again
    const joined = this.#joined;
    this.#joined = null;
    try {
      await this.#call("leave", {}, signal);
    } catch (error) {
      this.#joined ??= joined;
      throw error;
    }
  }

  warmupWitness(signal?: AbortSignal): Promise<void> {
    return this.#call("warmupWitness", {}, signal);
  }

  async witness(message: WitnessReport, signal?: AbortSignal): Promise<void> {
    // Once sent, the link is public whether or not the answer reaches us: never join again with a head above it. A fresh
    // chain that we joined with meanwhile stays: the slot goes on with the one before until the next epoch.
    const membership = this.#joined?.membership;
    if (membership !== undefined && equalBytes(sha256(message.reveal), membership.chainHead)) membership.chainHead = message.reveal;
    const { step, bitmap, listRoot, reveal, parameterHash, bloom = null, metadata = null } = message;
    await this.#call("witness", { step, bitmap, listRoot, reveal, parameterHash, bloom, metadata }, signal);
  }

  downloaded(step: number, listsHeld: number, signal?: AbortSignal): Promise<void> {
    return this.#call("downloaded", { step, listsHeld }, signal);
  }

  healthCheck(clientIndexes: number[], signal?: AbortSignal): Promise<void> {
    return this.#call("healthCheck", { clientIndexes }, signal);
  }

  reportEquivocation(clientIndex: number, signal?: AbortSignal): Promise<void> {
    return this.#call("reportEquivocation", { clientIndex }, signal);
  }

  async setPaused(paused: boolean, signal?: AbortSignal): Promise<void> {
    this.#requireOpen();
    await this.#call("setPaused", { paused, grant: await this.#requireGrant() }, signal);
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new CoordinatorError("closed", "this coordinator client was closed"));
    this.#listeners.clear();
    await this.#finished;
    this.#network.unpin(this.#peer);
  }

  async #sendJoin({ membership, multiaddrs }: Joined, signal?: AbortSignal): Promise<void> {
    this.#requireOpen();
    if (this.#ejected !== null) throw this.#ejected;
    const isFresh = this.#grant === null;
    const grant = await this.#requireGrant();
    try {
      await this.#call("join", { grant, chainHead: membership.chainHead, multiaddrs }, signal);
    } catch (error) {
      const { code } = error as CoordinatorError;
      if (code === "bad-grant") {
        this.#grant = null;
        // the one from when this client started has expired
        if (!isFresh && typeof this.#grantSource === "function") return this.#sendJoin({ membership, multiaddrs }, signal);
      }
      if (code === "ejected") {
        this.#ejected = error as CoordinatorError;
        this.#tell({ connected: true, error: this.#ejected });
      }
      throw error;
    }
  }

  async #requireGrant(): Promise<SessionGrant> {
    const source = this.#grantSource;
    if (source === undefined) {
      throw new CoordinatorError("bad-grant", "this client has no grant of an owner, so it can only watch; pass `grant`");
    }
    this.#grant ??= typeof source === "function" ? source(this.#runId) : Promise.resolve(source);
    return this.#grant;
  }

  async #call<N extends CallName>(name: N, body: CallBody<N>, signal?: AbortSignal): Promise<void> {
    this.#requireOpen();
    if (this.#lost !== null) throw this.#lost;
    try {
      const sealed = await this.#sealer.seal(name, encodeAs(CALLS[name] as Shape<CallBody<N>>, body));
      const response = await this.#network.request(this.#peer, CALL_PROTOCOL, sealed, {
        maxResponseBytes: MAX_CALL_RESPONSE_BYTES,
        timeoutMs: this.#requestTimeoutMs,
        signal: this.#anySignal(signal),
      });
      readCallResponse(response);
    } catch (error) {
      throw this.#explain(error, name);
    }
  }

  /** Holds the subscription open until `close`, whatever happens to the connection. */
  async #stayConnected(): Promise<void> {
    const closing = this.#closing.signal;
    let backoffMs = FIRST_BACKOFF_MS;
    for (let first = true; !closing.aborted; first = false) {
      const connection = new AbortController();
      let error: CoordinatorError;
      try {
        if (!first) await this.#network.connect(this.#peer, closing);
        const body = encodeAs(SUBSCRIBE, { peerId: this.#network.self });
        const request = await this.#sealer.seal(SUBSCRIBE_METHOD, body);
        const frames = new FrameReader();
        let isNew = true;
        await this.#network.subscribeTo(
          this.#peer,
          STATE_PROTOCOL,
          request,
          async (frame) => {
            const snapshot = await frames.read(frame);
            backoffMs = FIRST_BACKOFF_MS;
            if (isNew) this.#meet(snapshot, first ? null : connection.signal);
            isNew = false;
            if (this.#lost === null) this.#deliver(snapshot, connection.signal);
          },
          { maxFrameBytes: MAX_FRAME_BYTES, signal: closing },
        );
        error = new CoordinatorError("unreachable", "the coordinator ended the subscription: it is stopping");
      } catch (cause) {
        error = asCoordinatorError(cause, "watching the coordinator");
      } finally {
        connection.abort();
      }
      if (closing.aborted) return;
      if (this.#newest !== null) this.#continuity.note(this.#newest.bytes);
      this.#tell({ connected: false, error: (await this.#anotherAnswers()) ?? error });
      await pause(this.#clock, backoffMs, closing).catch(() => {});
      backoffMs = longer(backoffMs);
    }
  }

  /** The first snapshot over a connection. `again`: the connection's end, if it is not the first one. */
  #meet(snapshot: Snapshot, again: AbortSignal | null): void {
    this.#lost = this.#continuity.judge(snapshot.bytes);
    this.#tell({ connected: true, error: this.#lost ?? this.#ejected });
    if (again !== null && this.#lost === null) void this.#joinAgain(again);
  }

  /** Asks the address who is there now: a coordinator that lost its folder has another key, and is never followed. */
  async #anotherAnswers(): Promise<CoordinatorError | null> {
    if (this.#address === null) return null;
    const key = await this.#network.connectAddress(this.#address, this.#closing.signal).catch(() => null);
    if (key === null || equalBytes(key, this.#peer)) return null;
    this.#network.unpin(key);
    return new CoordinatorError(
      "wrong-key",
      `another coordinator answers at ${this.#address}: its key is ${toHex(key).slice(0, 8)}, ours was ${toHex(this.#peer).slice(0, 8)}. ` +
        "Start it with the state folder of the one before; or start this client again to follow the new one",
    );
  }

  /** The coordinator may have forgotten us while we were away, or may be a new process. */
  async #joinAgain(connection: AbortSignal): Promise<void> {
    if (this.#joining) return;
    this.#joining = true;
    try {
      await this.#tryToJoin(connection);
    } finally {
      this.#joining = false;
    }
  }

  async #tryToJoin(connection: AbortSignal): Promise<void> {
    for (let backoffMs = FIRST_BACKOFF_MS; !connection.aborted && this.#joined !== null; backoffMs = longer(backoffMs)) {
      try {
        await this.#sendJoin(this.#joined, connection);
        this.#tell({ connected: true, error: null });
        return;
      } catch (cause) {
        if (connection.aborted) return;
        const error = asCoordinatorError(cause, "joining again");
        // of a connection that broke, the status of the connection tells
        if (error.code !== "unreachable") this.#tell({ connected: true, error });
        if (isFinalRefusal(error)) {
          this.#joined = null;
          return;
        }
        await pause(this.#clock, backoffMs, connection).catch(() => {});
      }
    }
  }

  /** Joins with a fresh chain while the one before still lasts; the machine takes it up with the next epoch. */
  async #renewChain({ identity, save }: ChainRenewal): Promise<void> {
    this.#renewing = true;
    const closing = this.#closing.signal;
    const chain = identity.beginChain();
    await chain.prepare(() => pause(this.#clock, 0));
    for (let backoffMs = FIRST_BACKOFF_MS; !closing.aborted && this.#joined !== null; backoffMs = longer(backoffMs)) {
      try {
        await save();
        // from here on a reconnection commits to it as well
        this.#joined.membership = { ...this.#joined.membership, chainHead: identity.membership().chainHead };
        await this.#sendJoin(this.#joined);
        break;
      } catch (error) {
        if (isFinalRefusal(error)) break;
        if (!(error instanceof CoordinatorError)) {
          this.#tell({ connected: true, error: asCoordinatorError(error, "saving a fresh reveal chain") });
        }
        await pause(this.#clock, backoffMs, closing).catch(() => {});
      }
    }
    this.#renewing = false;
  }

  #tell(status: ConnectionStatus): void {
    const told = `${String(status.connected)} ${status.error?.code ?? ""}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#onStatus(status);
  }

  #deliver(snapshot: Snapshot, connection: AbortSignal): void {
    if (this.#newest !== null && snapshot.nonce <= this.#newest.nonce) return;
    this.#newest = snapshot;
    // dropped as dead, and we are not; or the join before was lost
    if (this.#joined !== null && !snapshot.members.some(({ peerId }) => equalBytes(peerId, this.#network.self))) {
      void this.#joinAgain(connection);
    }
    if (this.#chain?.identity.isChainShort === true && this.#joined !== null && !this.#renewing) void this.#renewChain(this.#chain);
    for (const listener of this.#listeners) {
      try {
        listener(snapshot);
      } catch (error) {
        // a listener's fault is its owner's to hear of, and no reason to hang up
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #anySignal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  #explain(error: unknown, method: string): CoordinatorError {
    if (this.#closing.signal.aborted)
      return new CoordinatorError("closed", `${method}: this coordinator client was closed`, { cause: error });
    return asCoordinatorError(error, method);
  }

  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw new CoordinatorError("closed", "this coordinator client was closed");
  }
}
