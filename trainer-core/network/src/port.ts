import { gossipLimits } from "./limits.ts";

/** A peer is named by its raw ed25519 public key, 32 bytes. */
export type PeerKey = Uint8Array;

/** Hexadecimal form of a key or any other bytes, for maps and logs; a key has 64 characters. */
export function keyHex(key: PeerKey): string {
  let hex = "";
  for (const byte of key) hex += HEX_OF_BYTE[byte];
  return hex;
}

/** a table: keys and hashes are turned to hexadecimal thousands of times a round */
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A peer and where it can be dialled. Browser tabs cannot listen: their list is empty. */
export interface Member {
  peerId: PeerKey;
  multiaddrs: string[];
}

/** What went over the connections to one peer. Counters begin anew when the peer connects again. */
export interface PeerTraffic {
  peer: PeerKey;
  receivedBytes: number;
  sentBytes: number;
  /** Last measured round trip, milliseconds; null before the first measurement. */
  rttMs: number | null;
}

export interface HandlerLimits {
  maxRequestBytes: number;
  /** A handler that answers more fails with `too-large`. Default 16 MiB. */
  maxResponseBytes?: number;
}

export interface RequestOptions {
  /** A longer answer fails with `too-large` before it is read. */
  maxResponseBytes: number;
  signal?: AbortSignal;
  /** Whole exchange, milliseconds. Default 30 000. */
  timeoutMs?: number;
  /** Longest silence in milliseconds, connecting included, waiting for a free stream not. Default: none. */
  idleTimeoutMs?: number;
  /** Bytes of the answer so far. */
  onBytes?: (receivedBytes: number) => void;
}

export interface SubscriptionOptions {
  maxFrameBytes: number;
  signal?: AbortSignal;
}

/** Sends one frame; resolves when the transport has taken it, so awaiting it is the backpressure. */
export type Push = (frame: Uint8Array) => Promise<void>;

export type RequestHandler = (from: PeerKey, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;
export type SubscriptionHandler = (from: PeerKey, request: Uint8Array, push: Push, signal: AbortSignal) => Promise<void>;

/**
 * What the round client, the blob service and the TCP coordinator need of a network, free of libp2p.
 *
 * Every `from` is authenticated: it is the key whose signature or handshake was checked. Rejections are
 * `NetworkError`. Adapters: `MemoryNetwork` (simulation), `createLibp2pNetwork` (TCP and WebSockets); both
 * pass `compliance.ts`.
 */
export interface PeerNetwork {
  readonly self: PeerKey;

  /** Where others can dial us; empty in a tab. */
  multiaddrs(): string[];

  /**
   * The allowlist, pending members included, with self or without. Members with addresses are dialled and
   * redialled until the list changes; a connected peer that is no longer listed is hung up at once.
   * A network created with `allowAll` only takes the addresses from it.
   */
  setMembers(members: readonly Member[]): void;

  /** Allows and keeps connected one peer (the coordinator) whatever `setMembers` says. Returns the undo. */
  pin(peer: Member): () => void;

  /**
   * Dials an address, learns the key behind it and pins it. If the address names a key (`/p2p/...`), only
   * that key is accepted; otherwise whoever answers is trusted. Undo with `unpin`.
   */
  connectAddress(multiaddr: string, signal?: AbortSignal): Promise<PeerKey>;
  unpin(peer: PeerKey): void;

  /** Resolves once the peer has answered us. `refused`: it is there and does not list us. `request` dials by itself. */
  connect(peer: PeerKey, signal?: AbortSignal): Promise<void>;
  connectedPeers(): PeerKey[];

  /** One entry for each connected peer. */
  traffic(): PeerTraffic[];

  /** Gossips at most `maxGossipBytes`. Best effort: resolves when handed to the transport, and may be lost. */
  publish(topic: string, data: Uint8Array): Promise<void>;
  /** Messages of members only, never our own; a duplicate or a late one is possible. Returns the undo. */
  subscribe(topic: string, handler: (from: PeerKey, data: Uint8Array) => void): () => void;

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): () => void;
  request(peer: PeerKey, protocol: string, request: Uint8Array, options: RequestOptions): Promise<Uint8Array>;

  /** Answers a subscription with frames until the handler returns (clean end) or throws (`remote-error`). */
  handleSubscription(protocol: string, limits: { maxRequestBytes: number }, handler: SubscriptionHandler): () => void;
  /** Resolves when the other side ends cleanly; rejects on failure, hang-up and abort. */
  subscribeTo(
    peer: PeerKey,
    protocol: string,
    request: Uint8Array,
    onFrame: (frame: Uint8Array) => void | Promise<void>,
    options: SubscriptionOptions,
  ): Promise<void>;

  stop(): Promise<void>;
}

/** Largest gossip message, bytes. */
export const maxGossipBytes = gossipLimits.messageBytes.value;
export const defaultMaxResponseBytes = 16 * 1024 * 1024;
export const defaultRequestTimeoutMs = 30_000;
