import { errorText, NetworkError } from "./errors.ts";
import type { MemoryCall, MemoryHub } from "./memoryHub.ts";
import { PeerSet } from "./peerSet.ts";
import {
  defaultMaxResponseBytes,
  defaultRequestTimeoutMs,
  type HandlerLimits,
  keyHex,
  maxGossipBytes,
  type Member,
  type PeerKey,
  type PeerNetwork,
  type PeerTraffic,
  type RequestHandler,
  type RequestOptions,
  type SubscriptionHandler,
  type SubscriptionOptions,
} from "./port.ts";
import { abortedError, onAbort } from "./signals.ts";

interface Handler {
  limits: HandlerLimits;
  handler: RequestHandler;
}

interface Subscription {
  limits: { maxRequestBytes: number };
  handler: SubscriptionHandler;
}

/** A peer of a `MemoryHub`. Only the hub makes one. */
export class MemoryNetwork implements PeerNetwork {
  readonly self: PeerKey;
  readonly peers: PeerSet;
  readonly #hub: MemoryHub;
  readonly #hex: string;
  readonly #topics = new Map<string, Set<(from: PeerKey, data: Uint8Array) => void>>();
  readonly #handlers = new Map<string, Handler>();
  readonly #subscriptions = new Map<string, Subscription>();
  /** Peers that connect() named although no list does. */
  readonly #dialled = new Set<string>();
  readonly #traffic = new Map<string, { receivedBytes: number; sentBytes: number; rttMs: null }>();
  #stopped = false;

  constructor(hub: MemoryHub, self: PeerKey, allowAll: boolean) {
    this.#hub = hub;
    this.self = self.slice();
    this.#hex = keyHex(self);
    this.peers = new PeerSet(allowAll);
  }

  multiaddrs(): string[] {
    return [`/memory/${this.#hex}`];
  }

  setMembers(members: readonly Member[]): void {
    this.peers.setMembers(members);
    this.#hub.connectionsChanged();
  }

  pin(peer: Member): () => void {
    this.peers.pin(peer);
    return () => this.unpin(peer.peerId);
  }

  unpin(peer: PeerKey): void {
    this.peers.unpin(keyHex(peer));
    this.#dialled.delete(keyHex(peer));
    this.#hub.connectionsChanged();
  }

  wants(hex: string): boolean {
    return this.#dialled.has(hex) || this.peers.names(hex);
  }

  async connectAddress(multiaddr: string, signal?: AbortSignal): Promise<PeerKey> {
    const match = /^\/memory\/([0-9a-f]{64})$/.exec(multiaddr);
    if (match === null) {
      throw new NetworkError("malformed", `expected an address like /memory/<64 hex digits>, got ${multiaddr}`);
    }
    const peerId = Uint8Array.from(match[1].match(/../g)!, (pair) => Number.parseInt(pair, 16));
    const unpin = this.pin({ peerId, multiaddrs: [multiaddr] });
    try {
      await this.connect(peerId, signal);
    } catch (error) {
      unpin();
      throw error;
    }
    return peerId;
  }

  connect(peer: PeerKey, signal?: AbortSignal): Promise<void> {
    const hex = keyHex(peer);
    return new Promise((resolve, reject) => {
      this.#requireRunning();
      this.peers.require(hex);
      if (signal?.aborted) throw abortedError(`connecting to ${hex.slice(0, 8)}`, signal);
      const cancel = this.#hub.scheduler.schedule(this.#hub.faults.delayMs[1], () => {
        undo();
        this.#dialled.add(hex);
        if (this.#hub.areConnected(this.#hex, hex)) {
          resolve();
          return;
        }
        this.#dialled.delete(hex);
        reject(this.#notConnected(hex));
      });
      const undo = onAbort(signal, () => {
        cancel();
        reject(abortedError(`connecting to ${hex.slice(0, 8)}`, signal));
      });
    });
  }

  connectedPeers(): PeerKey[] {
    return [...this.#hub.networks].filter(([hex]) => this.#hub.areConnected(this.#hex, hex)).map(([, network]) => network.self);
  }

  traffic(): PeerTraffic[] {
    const entries = this.connectedPeers().map((peer) => ({ peer, ...this.#trafficWith(keyHex(peer)) }));
    const connected = new Set(entries.map(({ peer }) => keyHex(peer)));
    for (const hex of this.#traffic.keys()) if (!connected.has(hex)) this.#traffic.delete(hex);
    return entries;
  }

  /** For the hub. */
  sentTo(hex: string, bytes: number): void {
    this.#trafficWith(hex).sentBytes += bytes;
  }

  /** For the hub. */
  receivedFrom(hex: string, bytes: number): void {
    this.#trafficWith(hex).receivedBytes += bytes;
  }

  #trafficWith(hex: string): { receivedBytes: number; sentBytes: number; rttMs: null } {
    let traffic = this.#traffic.get(hex);
    if (traffic === undefined) this.#traffic.set(hex, (traffic = { receivedBytes: 0, sentBytes: 0, rttMs: null }));
    return traffic;
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    this.#requireRunning();
    if (data.byteLength > maxGossipBytes) {
      throw new NetworkError("too-large", `a gossip message holds ${maxGossipBytes} bytes, this one has ${data.byteLength}`);
    }
    for (const hex of this.#hub.networks.keys()) {
      if (!this.#hub.areConnected(this.#hex, hex)) continue;
      const copy = data.slice();
      this.#hub.gossip(this.#hex, hex, () => this.#hub.networks.get(hex)?.receive(topic, this.self, copy.slice()), copy.byteLength);
    }
  }

  /** A gossip message arrived. For the hub. */
  receive(topic: string, from: PeerKey, data: Uint8Array): void {
    for (const handler of this.#topics.get(topic) ?? []) {
      try {
        handler(from, data);
      } catch (error) {
        this.#hub.onError(error);
      }
    }
  }

  subscribe(topic: string, handler: (from: PeerKey, data: Uint8Array) => void): () => void {
    this.#requireRunning();
    const handlers = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): () => void {
    this.#claim(protocol);
    this.#handlers.set(protocol, { limits, handler });
    return () => this.#handlers.delete(protocol);
  }

  handleSubscription(protocol: string, limits: { maxRequestBytes: number }, handler: SubscriptionHandler): () => void {
    this.#claim(protocol);
    this.#subscriptions.set(protocol, { limits, handler });
    return () => this.#subscriptions.delete(protocol);
  }

  request(peer: PeerKey, protocol: string, request: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const timeoutMs = Math.min(options.timeoutMs ?? defaultRequestTimeoutMs, options.idleTimeoutMs ?? Infinity);
    return this.#call<Uint8Array>(peer, protocol, request.byteLength, { signal: options.signal, timeoutMs }, (call) => {
      const served = call.server.#handlers.get(protocol);
      if (served === undefined) throw refused(protocol);
      checkBytes("request", request.byteLength, served.limits.maxRequestBytes);
      Promise.try(() => served.handler(this.self, request.slice(), call.signal)).then(
        (response) => {
          const limitBytes = served.limits.maxResponseBytes ?? defaultMaxResponseBytes;
          if (response.byteLength > limitBytes) {
            call.answer(() => call.fail(remoteError(`answer of ${response.byteLength} bytes is over its own limit of ${limitBytes}`)));
            return;
          }
          const copy = response.slice();
          call.answer(() => {
            checkBytes("response", copy.byteLength, options.maxResponseBytes);
            options.onBytes?.(copy.byteLength);
            call.resolve(copy);
          }, copy.byteLength);
        },
        (error: unknown) => call.answer(() => call.fail(remoteError(errorText(error)))),
      );
    });
  }

  subscribeTo(
    peer: PeerKey,
    protocol: string,
    request: Uint8Array,
    onFrame: (frame: Uint8Array) => void | Promise<void>,
    options: SubscriptionOptions,
  ): Promise<void> {
    return this.#call<void>(peer, protocol, request.byteLength, { signal: options.signal, timeoutMs: Infinity }, (call) => {
      const served = call.server.#subscriptions.get(protocol);
      if (served === undefined) throw refused(protocol);
      checkBytes("request", request.byteLength, served.limits.maxRequestBytes);
      const push = (frame: Uint8Array): Promise<void> => {
        const copy = frame.slice();
        return new Promise((resolve, reject) => {
          const undo = onAbort(call.signal, () => reject(abortedError("pushing to a subscriber", call.signal)));
          if (call.signal.aborted) return;
          call.answer(async () => {
            try {
              checkBytes("frame", copy.byteLength, options.maxFrameBytes);
              await onFrame(copy);
              undo();
              resolve();
            } catch (error) {
              call.fail(error);
            }
          }, copy.byteLength);
        });
      };
      Promise.try(() => served.handler(this.self, request.slice(), push, call.signal)).then(
        () => call.answer(() => call.resolve()),
        (error: unknown) => call.answer(() => call.fail(remoteError(errorText(error)))),
      );
    });
  }

  async stop(): Promise<void> {
    if (!this.#stopped) this.#hub.leave(this.#hex);
  }

  /** The hub took us off the network. */
  markStopped(): void {
    this.#stopped = true;
  }

  /** One exchange: sends, runs `serve` over there, settles once, and tells the server's signal when it is over. */
  #call<T>(
    peer: PeerKey,
    protocol: string,
    requestBytes: number,
    limits: { signal?: AbortSignal; timeoutMs: number },
    serve: (call: ServedCall<T>) => void,
  ): Promise<T> {
    const hub = this.#hub;
    const hex = keyHex(peer);
    return new Promise<T>((resolve, reject) => {
      this.#requireRunning();
      this.peers.require(hex);
      if (limits.signal?.aborted) throw abortedError(protocol, limits.signal);
      if (!hub.areConnected(this.#hex, hex)) throw this.#notConnected(hex);
      const serverSide = new AbortController();
      let settled = false;
      const settle = (report: () => void): void => {
        if (settled) return;
        settled = true;
        hub.calls.delete(entry);
        cancelTimer();
        undoAbort();
        serverSide.abort();
        report();
      };
      const fail = (error: unknown): void => settle(() => reject(error));
      const entry: MemoryCall = { from: this.#hex, to: hex, fail };
      hub.calls.add(entry);
      const cancelTimer =
        limits.timeoutMs === Infinity
          ? () => {}
          : hub.scheduler.schedule(limits.timeoutMs, () =>
              fail(new NetworkError("timeout", `${protocol}: ${hex.slice(0, 8)} did not answer in ${limits.timeoutMs} ms`)),
            );
      const undoAbort = onAbort(limits.signal, () => fail(abortedError(protocol, limits.signal)));
      const answer = (task: () => void | Promise<void>, bytes?: number): void =>
        hub.deliver(
          hex,
          this.#hex,
          () => {
            if (settled) return;
            try {
              void task();
            } catch (error) {
              fail(error);
            }
          },
          bytes,
        );
      hub.deliver(
        this.#hex,
        hex,
        () => {
          const server = hub.networks.get(hex);
          if (settled || server === undefined) return;
          const fault = hub.serviceFault(hex, protocol);
          if (fault === "silent") return;
          try {
            if (fault === "error") throw remoteError("this peer never serves it");
            serve({ server, signal: serverSide.signal, answer, fail, resolve: (value) => settle(() => resolve(value)) });
          } catch (error) {
            answer(() => fail(error));
          }
        },
        requestBytes,
      );
    });
  }

  #claim(protocol: string): void {
    this.#requireRunning();
    if (this.#handlers.has(protocol) || this.#subscriptions.has(protocol)) {
      throw new NetworkError("malformed", `${protocol} already has a handler`);
    }
  }

  #requireRunning(): void {
    if (this.#stopped) throw new NetworkError("stopped", "this network was stopped");
  }

  #notConnected(hex: string): NetworkError {
    const other = this.#hub.networks.get(hex);
    return other !== undefined && !other.peers.allows(this.#hex)
      ? new NetworkError("refused", `peer ${hex.slice(0, 8)} does not list us as a member`)
      : new NetworkError("unreachable", `peer ${hex.slice(0, 8)} is not connected`);
  }
}

interface ServedCall<T> {
  server: MemoryNetwork;
  signal: AbortSignal;
  /** `bytes`: what traffic() counts. */
  answer: (task: () => void | Promise<void>, bytes?: number) => void;
  fail: (error: unknown) => void;
  resolve: (value: T) => void;
}

function checkBytes(what: string, bytes: number, limitBytes: number): void {
  if (bytes > limitBytes) {
    throw new NetworkError("too-large", `${what} of ${bytes} bytes is over the limit of ${limitBytes}`);
  }
}

function refused(protocol: string): NetworkError {
  return new NetworkError("refused", `the peer does not serve ${protocol}`);
}

function remoteError(text: string): NetworkError {
  return new NetworkError("remote-error", `the peer's handler failed: ${text}`);
}
