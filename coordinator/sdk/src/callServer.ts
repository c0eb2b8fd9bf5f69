/** Who may call what. Whatever is cheap to check is checked before a signature is: verifying one costs as much as all the rest. */
import {
  NetworkError,
  type NetworkErrorCode,
  type PeerKey,
  readRequest,
  ReplayGuard,
  type SignedRequest,
  type UnverifiedRequest,
} from "@starling/network";
import { TokenBucket, TokenBuckets } from "@starling/network/tokenBucket";
import { equalBytes, toHex } from "./bytes.ts";
import type { CoordinatorCore } from "./core.ts";
import { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";
import { checkGrant, verifyGrant } from "./grant.ts";
import { CALL_DOMAIN, CALLS, type CallBody, type CallName, SUBSCRIBE, SUBSCRIBE_METHOD } from "./protocol.ts";
import { decodeAs } from "./wire.ts";

/** Of one peer. A client makes four calls a round, and every one again after a failure. */
export const CALL_RATE = { perSecond: 32, burst: 128 };
/** Of all who are no members, together: two signatures each. All clients of a full run may come at once. */
export const STRANGER_RATE = { perSecond: 100, burst: 1_024 };

/** Authenticates calls and hands them to the core. */
export class CallServer {
  readonly #core: CoordinatorCore;
  readonly #admins: ReadonlySet<string>;
  readonly #replays = new ReplayGuard();
  readonly #peers = new TokenBuckets(CALL_RATE);
  readonly #strangers: TokenBucket;

  constructor(core: CoordinatorCore, admins: readonly Uint8Array[]) {
    this.#core = core;
    this.#admins = new Set(admins.map(toHex));
    this.#strangers = new TokenBucket(STRANGER_RATE, core.clock.nowMs());
  }

  /** Null when the call was carried out. Never throws. */
  answer(from: PeerKey, sealed: Uint8Array): CoordinatorError | null {
    try {
      this.#carryOut(from, this.#open(from, sealed));
      return null;
    } catch (error) {
      return asCoordinatorError(error);
    }
  }

  /** (32) the session that subscribes. @throws CoordinatorError */
  openSubscription(from: PeerKey, sealed: Uint8Array): Uint8Array {
    try {
      const { claimed, verify } = this.#open(from, sealed);
      if (claimed.method !== SUBSCRIBE_METHOD)
        throw new CoordinatorError("malformed", `expected the method ${SUBSCRIBE_METHOD}, got ${claimed.method.slice(0, 32)}`);
      if (!equalBytes(decodeAs(SUBSCRIBE, claimed.body, claimed.method).peerId, from)) {
        throw new CoordinatorError("bad-signature", "the subscription was signed for another peer than the one this connection proved");
      }
      if (!this.#core.isBound(claimed.sender, from)) this.#admitStranger();
      return verify().sender;
    } catch (error) {
      throw asCoordinatorError(error);
    }
  }

  /** What costs next to nothing: the peer's rate, the audience, the age. */
  #open(from: PeerKey, sealed: Uint8Array): UnverifiedRequest {
    const nowMs = this.#core.clock.nowMs();
    if (!this.#peers.take(toHex(from), 1, nowMs)) {
      throw new CoordinatorError("overloaded", `this peer made more than ${CALL_RATE.perSecond} calls a second; call again in a moment`);
    }
    const request = readRequest(sealed, { domain: CALL_DOMAIN, runId: this.#core.runId });
    this.#replays.check(request.claimed, nowMs);
    return request;
  }

  #admitStranger(): void {
    if (this.#strangers.take(1, this.#core.clock.nowMs())) return;
    throw new CoordinatorError("overloaded", "too many newcomers at once; try again in a moment");
  }

  #carryOut(from: PeerKey, request: UnverifiedRequest): void {
    const core = this.#core;
    const session = request.claimed.sender;
    switch (request.claimed.method) {
      case "join": {
        const { grant, chainHead, multiaddrs } = body("join", request);
        this.#requireGrant(grant, from, request);
        core.join({ owner: grant.owner, session, peerId: from.slice(), chainHead }, multiaddrs, grant.expiresMs);
        return;
      }
      case "setPaused": {
        const { paused, grant } = body("setPaused", request);
        if (!this.#admins.has(toHex(grant.owner))) {
          throw new CoordinatorError("not-allowed", "only an administrator may pause or resume this run");
        }
        this.#requireGrant(grant, from, request);
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
      case "witness": {
        this.#requireMember(from, request);
        const { bloom, metadata, ...message } = body("witness", request);
        core.witness(session, { ...message, bloom: bloom ?? undefined, metadata: metadata ?? undefined });
        return;
      }
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
        throw new CoordinatorError("malformed", `there is no method ${request.claimed.method.slice(0, 32)}`);
    }
  }

  #requireGrant(grant: CallBody<"join">["grant"], from: PeerKey, { claimed, verify }: UnverifiedRequest): void {
    const nowMs = this.#core.clock.nowMs();
    const wanted = { session: claimed.sender, peerId: from, runId: this.#core.runId, nowMs };
    checkGrant(grant, wanted);
    if (!this.#core.isBound(claimed.sender, from)) this.#admitStranger();
    const request: SignedRequest = verify();
    verifyGrant(grant, wanted);
    this.#replays.accept(request, nowMs);
  }

  #requireMember(from: PeerKey, { claimed, verify }: UnverifiedRequest): void {
    if (!this.#core.isBound(claimed.sender, from)) {
      throw new CoordinatorError("not-member", `${claimed.method}: this session has not joined the run over this peer id`);
    }
    this.#replays.accept(verify(), this.#core.clock.nowMs());
  }
}

function body<N extends CallName>(name: N, { claimed }: UnverifiedRequest): CallBody<N> {
  return decodeAs(CALLS[name], claimed.body, name) as CallBody<N>;
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
