/** What a `TcpCoordinator` is given, and tells. */
import type { PeerNetwork, Signer } from "@starling/network";
import type { Clock } from "./clock.ts";
import type { CoordinatorError } from "./errors.ts";
import type { SessionGrant } from "./grant.ts";
import type { Identity } from "./identity.ts";
import type { PeerAddress } from "./types.ts";

/** Told when it changes, not at each attempt. */
export interface ConnectionStatus {
  connected: boolean;
  /**
   * Why the connection, or joining over it, failed; null when all is well. `state-lost` and `wrong-key`: the coordinator
   * is not the one it was; it is watched for until the one that we know is back. `isFinalRefusal`: no longer tried.
   */
  error: CoordinatorError | null;
}

/** The reveal chain of this client: before it runs out, the membership is renewed with a fresh one. */
export interface ChainRenewal {
  identity: Identity;
  /** keeps `identity.secrets()`; the fresh chain is committed to only then */
  save: () => void | Promise<void>;
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
  /** Without it, a member stops witnessing when its chain is spent: after 100,000 elections. */
  chain?: ChainRenewal;
  /** If given, a coordinator of another run is refused. */
  runId?: string;
  clock?: Clock;
  requestTimeoutMs?: number;
  /** How long to keep trying for the first contact. */
  connectTimeoutMs?: number;
  signal?: AbortSignal;
  onStatus?: (status: ConnectionStatus) => void;
}
