import { NetworkError, type NetworkErrorCode, type PeerKey, type PeerNetwork, RequestSealer, type Signer } from "@starling/network";
import { equalBytes } from "./bytes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";
import type { SessionGrant } from "./grant.ts";
import {
  CALL_DOMAIN,
  CALL_PROTOCOL,
  CALLS,
  type CallBody,
  type CallName,
  decodeSnapshotFrame,
  MAX_CALL_RESPONSE_BYTES,
  MAX_FRAME_BYTES,
  MAX_RUN_INFO_BYTES,
  readCallResponse,
  RUN_INFO,
  RUN_INFO_PROTOCOL,
  STATE_PROTOCOL,
  SUBSCRIBE,
  SUBSCRIBE_METHOD,
} from "./protocol.ts";
import type { CoordinatorPort, Membership, PeerAddress, RunInfo, Snapshot, WitnessMessage } from "./types.ts";
import { decodeAs, encodeAs, type Shape } from "./wire.ts";

const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 30_000;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 5_000;
/** Refusals that trying again does not change. */
const FINAL: ReadonlySet<CoordinatorErrorCode> = new Set(["ejected", "bad-grant", "wrong-run", "malformed", "closed"]);

export interface ConnectionStatus {
  connected: boolean;
  /** why the connection, or joining again over it, failed; null when all is well */
  error: CoordinatorError | null;
}

export interface TcpCoordinatorOptions {
  /** its key is the peer id that the grant names */
  network: PeerNetwork;
  /**
   * Where the coordinator is. A multiaddr without `/p2p/` trusts whoever answers the first dial, and only that key
   * from then on; name the key where that is not good enough.
   */
  coordinator: PeerAddress | string;
  /** Signs every call. */
  session: Signer;
  /** The owner's word for this session, needed to join and to pause: `signGrant`, or `identity.grant(...)`. A spectator has none. */
  grant?: SessionGrant | ((runId: string) => Promise<SessionGrant>);
  /** If given, a coordinator of another run is refused. */
  runId?: string;
  clock?: Clock;
  requestTimeoutMs?: number;
  /** How long to keep trying for the first contact. */
  connectTimeoutMs?: number;
  signal?: AbortSignal;
  onStatus?: (status: ConnectionStatus) => void;
}

/**
 * Connects to a coordinator over a network. Resolves once it has answered; afterwards the connection heals itself:
 * with back-off, joining again, and telling nobody anything older than what they know.
 * @throws CoordinatorError `unreachable`, `wrong-run`, `aborted`, `malformed`
 */
export async function connectTcpCoordinator(options: TcpCoordinatorOptions): Promise<CoordinatorPort> {
  const clock = options.clock ?? systemClock();
  const deadlineMs = clock.nowMs() + (options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS);
  for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS)) {
    try {
      return await contact(options, clock);
    } catch (cause) {
      const error = asCoordinatorError(cause, "connecting to the coordinator");
      const retry = (error.code === "unreachable" || error.code === "timeout") && clock.nowMs() + backoffMs < deadlineMs;
      if (!retry) throw error;
      await pause(clock, backoffMs, options.signal);
    }
  }
}

async function contact(options: TcpCoordinatorOptions, clock: Clock): Promise<CoordinatorPort> {
  const { network, coordinator, signal } = options;
  let peer: PeerKey;
  if (typeof coordinator === "string") {
    peer = await network.connectAddress(coordinator, signal);
  } else {
    peer = coordinator.peerId;
    network.pin(coordinator);
    await network.connect(peer, signal);
  }
  const info = await askRunInfo(network, peer, options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS, signal);
  if (options.runId !== undefined && options.runId !== info.runId) {
    throw new CoordinatorError("wrong-run", `expected the coordinator of run ${options.runId}, it serves ${info.runId}`);
  }
  return new TcpCoordinator(options, clock, peer, info.runId);
}

async function askRunInfo(network: PeerNetwork, peer: PeerKey, timeoutMs: number, signal?: AbortSignal): Promise<RunInfo> {
  const limits = { maxResponseBytes: MAX_RUN_INFO_BYTES, timeoutMs, signal };
  return decodeAs(RUN_INFO, await network.request(peer, RUN_INFO_PROTOCOL, new Uint8Array(0), limits), "run info");
}

interface Joined {
  membership: Membership;
  multiaddrs: string[];
}

class TcpCoordinator implements CoordinatorPort {
  readonly #network: PeerNetwork;
  readonly #peer: PeerKey;
  readonly #runId: string;
  readonly #clock: Clock;
  readonly #sealer: RequestSealer;
  readonly #session: Uint8Array;
  readonly #grantSource: TcpCoordinatorOptions["grant"];
  readonly #requestTimeoutMs: number;
  readonly #onStatus: (status: ConnectionStatus) => void;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  #newest: Snapshot | null = null;
  #joined: Joined | null = null;
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

  async witness(message: WitnessMessage, signal?: AbortSignal): Promise<void> {
    // Once sent, the link is public whether or not the answer reaches us: never join again with a head above it.
    if (this.#joined !== null) this.#joined.membership.chainHead = message.reveal;
    const { step, bitmap, listRoot, reveal, parameterHash } = message;
    await this.#call("witness", { step, bitmap, listRoot, reveal, parameterHash }, signal);
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
    const grant = await this.#requireGrant();
    await this.#call("join", { grant, chainHead: membership.chainHead, multiaddrs }, signal);
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
        let rejoin = !first;
        await this.#network.subscribeTo(
          this.#peer,
          STATE_PROTOCOL,
          request,
          async (frame) => {
            const snapshot = await decodeSnapshotFrame(frame);
            if (rejoin || backoffMs !== FIRST_BACKOFF_MS || this.#newest === null) this.#onStatus({ connected: true, error: null });
            if (rejoin) void this.#joinAgain(connection.signal);
            rejoin = false;
            backoffMs = FIRST_BACKOFF_MS;
            this.#deliver(snapshot);
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
      this.#onStatus({ connected: false, error });
      await pause(this.#clock, backoffMs, closing).catch(() => {});
      backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS);
    }
  }

  /** The coordinator may have forgotten us while we were away, or may be a new process. */
  async #joinAgain(connection: AbortSignal): Promise<void> {
    for (
      let backoffMs = FIRST_BACKOFF_MS;
      !connection.aborted && this.#joined !== null;
      backoffMs = Math.min(2 * backoffMs, MAX_BACKOFF_MS)
    ) {
      try {
        await this.#sendJoin(this.#joined, connection);
        return;
      } catch (cause) {
        if (connection.aborted) return;
        const error = asCoordinatorError(cause, "joining again");
        this.#onStatus({ connected: true, error });
        if (FINAL.has(error.code)) {
          this.#joined = null;
          return;
        }
        await pause(this.#clock, backoffMs, connection).catch(() => {});
      }
    }
  }

  #deliver(snapshot: Snapshot): void {
    if (this.#newest !== null && snapshot.nonce <= this.#newest.nonce) return;
    this.#newest = snapshot;
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

const FROM_NETWORK: Partial<Record<NetworkErrorCode, CoordinatorErrorCode>> = {
  timeout: "timeout",
  aborted: "aborted",
  malformed: "malformed",
  "too-large": "malformed",
  "remote-error": "internal",
};

function asCoordinatorError(error: unknown, doing: string): CoordinatorError {
  if (error instanceof CoordinatorError) return error;
  const message = `${doing}: ${error instanceof Error ? error.message : String(error)}`;
  if (!(error instanceof NetworkError)) return new CoordinatorError("internal", message, { cause: error });
  return new CoordinatorError(FROM_NETWORK[error.code] ?? "unreachable", message, { cause: error });
}

function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(new CoordinatorError("aborted", "aborted while waiting to try again", { cause: signal?.reason }));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}
