import {
  NetworkError,
  type NetworkErrorCode,
  openRequest,
  type PeerKey,
  type PeerNetwork,
  type Push,
  ReplayGuard,
  type SignedRequest,
} from "@starling/network";
import { equalBytes, toHex } from "./bytes.ts";
import type { CoordinatorCore } from "./core.ts";
import { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";
import { verifyGrant } from "./grant.ts";
import {
  CALL_DOMAIN,
  CALL_PROTOCOL,
  CALLS,
  type CallBody,
  type CallName,
  encodeCallResponse,
  encodeSnapshotFrame,
  MAX_CALL_BYTES,
  MAX_CALL_RESPONSE_BYTES,
  MAX_RUN_INFO_BYTES,
  RUN_INFO,
  RUN_INFO_PROTOCOL,
  STATE_PROTOCOL,
  SUBSCRIBE,
  SUBSCRIBE_METHOD,
} from "./protocol.ts";
import { decodeAs, encodeAs } from "./wire.ts";

/** Connections that watch the run, members and spectators together. */
export const MAX_SUBSCRIBERS = 2048;
/** A frame older than this is made anew, so that `coordinatorNowMs` tells a late subscriber the right time. */
const FRAME_MAX_AGE_MS = 200;

export interface ServeOptions {
  core: CoordinatorCore;
  /** created with `allowAll`: who is a member is decided here */
  network: PeerNetwork;
  /** owners (32) that may pause and resume the run */
  admins?: readonly Uint8Array[];
  /** resolves once the present phase cannot be forgotten by a crash; nobody is told of it before. Default: at once */
  settled?: () => Promise<void>;
}

/** Serves a core over a network. Returns the undo. */
export function serveCoordinator({ core, network, admins = [], settled = () => Promise.resolve() }: ServeOptions): () => void {
  const calls = new CallServer(core, admins);
  const frames = new FrameCache(core);
  const subscribers = new Set<AbortSignal>();
  const undo = [
    nameMembers(core, network),
    network.handle(RUN_INFO_PROTOCOL, { maxRequestBytes: 0, maxResponseBytes: MAX_RUN_INFO_BYTES }, async () =>
      encodeAs(RUN_INFO, core.runInfo()),
    ),
    network.handle(CALL_PROTOCOL, { maxRequestBytes: MAX_CALL_BYTES, maxResponseBytes: MAX_CALL_RESPONSE_BYTES }, async (from, request) =>
      encodeCallResponse(calls.answer(from, request)),
    ),
    network.handleSubscription(STATE_PROTOCOL, { maxRequestBytes: MAX_CALL_BYTES }, async (from, request, push, signal) => {
      const session = openSubscription(core.runId, from, request);
      if (subscribers.size >= MAX_SUBSCRIBERS) {
        throw new CoordinatorError("overloaded", `${MAX_SUBSCRIBERS} subscribers are connected already; try again later`);
      }
      subscribers.add(signal);
      const detach = core.attach(session);
      try {
        await pushSnapshots({ core, frames, settled }, push, signal);
      } finally {
        detach();
        subscribers.delete(signal);
      }
    }),
  ];
  return () => {
    for (const one of undo) one();
  };
}

/** The network holds strangers to stricter limits than members. No addresses: clients dial the coordinator, never the reverse. */
function nameMembers(core: CoordinatorCore, network: PeerNetwork): () => void {
  let named = "";
  return core.subscribe(({ members }) => {
    const now = members.map(({ peerId }) => toHex(peerId)).join();
    if (now === named) return;
    named = now;
    network.setMembers(members.map(({ peerId }) => ({ peerId, multiaddrs: [] })));
  });
}

interface Served {
  core: CoordinatorCore;
  frames: FrameCache;
  settled: () => Promise<void>;
}

/** Pushes the newest snapshot whenever the transport has taken the one before: a slow subscriber skips, and never queues. */
async function pushSnapshots({ core, frames, settled }: Served, push: Push, signal: AbortSignal): Promise<void> {
  let behind = true;
  let wake = (): void => {};
  const unsubscribe = core.subscribe(() => {
    behind = true;
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      if (!behind) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      behind = false;
      const frame = await frames.newest();
      await settled();
      if (!signal.aborted) await push(frame);
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

/** One encoded frame for all subscribers. */
class FrameCache {
  readonly #core: CoordinatorCore;
  #nonce = -1n;
  #madeMs = 0;
  #frame: Promise<Uint8Array> | null = null;

  constructor(core: CoordinatorCore) {
    this.#core = core;
  }

  newest(): Promise<Uint8Array> {
    const snapshot = this.#core.snapshot();
    const nowMs = this.#core.clock.nowMs();
    if (this.#frame === null || this.#nonce !== snapshot.nonce || nowMs - this.#madeMs > FRAME_MAX_AGE_MS) {
      this.#nonce = snapshot.nonce;
      this.#madeMs = nowMs;
      this.#frame = encodeSnapshotFrame(snapshot);
    }
    return this.#frame;
  }
}

function openSubscription(runId: string, from: PeerKey, request: Uint8Array): Uint8Array {
  const { sender, method, body } = open(runId, request);
  if (method !== SUBSCRIBE_METHOD)
    throw new CoordinatorError("malformed", `expected the method ${SUBSCRIBE_METHOD}, got ${method.slice(0, 32)}`);
  if (!equalBytes(decodeAs(SUBSCRIBE, body, method).peerId, from)) {
    throw new CoordinatorError("bad-signature", "the subscription was signed for another peer than the one this connection proved");
  }
  return sender;
}

/** Authenticates calls and hands them to the core. */
class CallServer {
  readonly #core: CoordinatorCore;
  readonly #admins: ReadonlySet<string>;
  readonly #replays = new ReplayGuard();

  constructor(core: CoordinatorCore, admins: readonly Uint8Array[]) {
    this.#core = core;
    this.#admins = new Set(admins.map(toHex));
  }

  /** Null when the call was carried out. Never throws. */
  answer(from: PeerKey, request: Uint8Array): CoordinatorError | null {
    try {
      this.#carryOut(from, open(this.#core.runId, request));
      return null;
    } catch (error) {
      return asCoordinatorError(error);
    }
  }

  #carryOut(from: PeerKey, request: SignedRequest): void {
    const core = this.#core;
    const session = request.sender;
    switch (request.method) {
      case "join": {
        const { grant, chainHead, multiaddrs } = body("join", request);
        this.#requireGrant(grant, from, request);
        core.join({ owner: grant.owner, session, peerId: from.slice(), chainHead }, multiaddrs, grant.expiresMs);
        return;
      }
      case "setPaused": {
        const { paused, grant } = body("setPaused", request);
        this.#requireGrant(grant, from, request);
        if (!this.#admins.has(toHex(grant.owner))) {
          throw new CoordinatorError("not-allowed", "only an administrator may pause or resume this run");
        }
        core.setPaused(paused);
        return;
      }
      case "leave":
        this.#requireMember(from, request);
        body("leave", request);
        core.leave(session);
        return;
      case "warmupWitness":
        this.#requireMember(from, request);
        body("warmupWitness", request);
        core.warmupWitness(session);
        return;
      case "witness":
        this.#requireMember(from, request);
        core.witness(session, body("witness", request));
        return;
      case "downloaded": {
        this.#requireMember(from, request);
        const { step, listsHeld } = body("downloaded", request);
        core.downloaded(session, step, listsHeld);
        return;
      }
      case "healthCheck":
        this.#requireMember(from, request);
        core.healthCheck(session, body("healthCheck", request).clientIndexes);
        return;
      case "reportEquivocation":
        this.#requireMember(from, request);
        core.reportEquivocation(session, body("reportEquivocation", request).clientIndex);
        return;
      default:
        throw new CoordinatorError("malformed", `there is no method ${request.method.slice(0, 32)}`);
    }
  }

  #requireGrant(grant: CallBody<"join">["grant"], from: PeerKey, request: SignedRequest): void {
    const nowMs = this.#core.clock.nowMs();
    verifyGrant(grant, { session: request.sender, peerId: from, runId: this.#core.runId, nowMs });
    this.#replays.accept(request, nowMs);
  }

  #requireMember(from: PeerKey, request: SignedRequest): void {
    if (!this.#core.isBound(request.sender, from)) {
      throw new CoordinatorError("not-member", `${request.method}: this session has not joined the run over this peer id`);
    }
    this.#replays.accept(request, this.#core.clock.nowMs());
  }
}

function body<N extends CallName>(name: N, request: SignedRequest): CallBody<N> {
  return decodeAs(CALLS[name], request.body, name) as CallBody<N>;
}

function open(runId: string, sealed: Uint8Array): SignedRequest {
  try {
    return openRequest(sealed, { domain: CALL_DOMAIN, runId });
  } catch (error) {
    throw asCoordinatorError(error);
  }
}

const FROM_NETWORK: Partial<Record<NetworkErrorCode, CoordinatorErrorCode>> = {
  "wrong-audience": "wrong-run",
  "bad-signature": "bad-signature",
  malformed: "malformed",
  replayed: "replayed",
  stale: "stale",
  overloaded: "overloaded",
};

function asCoordinatorError(error: unknown): CoordinatorError {
  if (error instanceof CoordinatorError) return error;
  const code = error instanceof NetworkError ? FROM_NETWORK[error.code] : undefined;
  if (code !== undefined) return new CoordinatorError(code, (error as Error).message, { cause: error });
  return new CoordinatorError("internal", `the coordinator failed: ${(error as Error).message}`, { cause: error });
}
