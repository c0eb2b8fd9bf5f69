import type { Connection, PeerId, Stream } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Libp2p } from "libp2p";
import { Deadline } from "./deadline.ts";
import { errorText, NetworkError, throwUncaught } from "./errors.ts";
import { askOverStream, refuseStream, serveStream, subscribeOverStream } from "./exchange.ts";
import { Gate } from "./gate.ts";
import type { GossipGuard } from "./gossipGuard.ts";
import type { GossipService, GossipSub } from "./gossipService.ts";
import { type Libp2pNetworkOptions, type Libp2pParts, type Services, startLibp2p } from "./libp2pNode.ts";
import { connectionLimits, streamLimits } from "./limits.ts";
import {
  bytesOf,
  dialableAddresses,
  hexOf,
  isRelayed,
  worthTelling,
  parseAddress,
  peerIdIn,
  peerIdOf,
  peerKeyFromText,
} from "./peerIds.ts";
import type { PeerSet } from "./peerSet.ts";
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
import { Redialer } from "./redialer.ts";
import type { RelaySeats } from "./relaySeats.ts";
import type { RequestGuard } from "./requestGuard.ts";
import type { TrafficLedger } from "./traffic.ts";

const helloProtocol = "/starling/hello/1";
const maxOutboundStreams = streamLimits.outboundStreams.value;
const maxInboundStreams = streamLimits.inboundStreams.value;
const connectTimeoutMs = 20_000;

/** Starts a libp2p node behind the port. Compose it with transports: `libp2p.node.ts`, `libp2pBrowser.ts`. */
export async function createLibp2pNetwork(options: Libp2pNetworkOptions): Promise<PeerNetwork> {
  const topics: Topics = new Map();
  return new Libp2pNetwork(await startLibp2p(options, { isReadHere: (topic) => topics.has(topic) }), topics, options);
}

/** Where a connected peer says that it listens; empty before it has said so, and for networks that are not libp2p's. */
export async function addressesToldBy(network: PeerNetwork, peer: PeerKey): Promise<string[]> {
  return network instanceof Libp2pNetwork ? network.toldBy(peer) : [];
}

/** Handlers by topic. */
type Topics = Map<string, Set<(from: PeerKey, data: Uint8Array) => void>>;

class Libp2pNetwork implements PeerNetwork {
  readonly self: PeerKey;
  readonly #node: Libp2p<Services>;
  readonly #peers: PeerSet;
  readonly #traffic: TrafficLedger;
  readonly #gossip: GossipGuard;
  readonly #gossipService: GossipService | undefined;
  readonly #requests: RequestGuard;
  /** null: not a tab */
  readonly #seats: RelaySeats | null;
  readonly #redialer: Redialer;
  readonly #onError: (error: unknown) => void;
  readonly #topics: Topics;
  readonly #protocols = new Set<string>();
  /** Outbound streams by "peer protocol". */
  readonly #gates = new Map<string, Gate>();
  readonly #stopping = new AbortController();

  constructor({ node, peers, traffic, gossip, requests, seats }: Libp2pParts, topics: Topics, options: Libp2pNetworkOptions) {
    this.#node = node;
    this.#peers = peers;
    this.#traffic = traffic;
    this.#gossip = gossip;
    this.#gossipService = options.gossip;
    this.#requests = requests;
    this.#seats = seats;
    this.#topics = topics;
    this.self = node.peerId.publicKey!.raw;
    this.#onError = options.onError ?? throwUncaught;
    this.#redialer = new Redialer({
      self: this.self,
      canDial: (hex) => this.#seats !== null || this.#directAddresses(hex).length > 0,
      dialsUs: (hex) => (this.#directAddresses(hex).length > 0 ? node.getMultiaddrs().length > 0 : this.#seats !== null),
      named: () => peers.named(),
      isConnected: (hex) => this.#openConnection(hex) !== undefined,
      dial: (hex, signal) => this.connect(bytesOf(hex), signal),
    });
    this.#redialer.start();
    this.handle(helloProtocol, { maxRequestBytes: 0 }, async () => new Uint8Array(0));
    node.addEventListener("peer:disconnect", () => this.#redialer.wake());
    node.services.pubsub?.addEventListener("message", (event) => {
      const message = event.detail;
      if (message.type === "signed") this.#receive(message.topic, message.from, message.data);
    });
  }

  multiaddrs(): string[] {
    return worthTelling([...this.#node.getMultiaddrs(), ...(this.#seats?.addresses() ?? [])]);
  }

  setMembers(members: readonly Member[]): void {
    this.#peers.setMembers(members);
    this.#gossip.setMembers(members.length);
    this.#listChanged();
  }

  pin(peer: Member): () => void {
    this.#peers.pin(peer);
    this.#listChanged();
    return () => this.unpin(peer.peerId);
  }

  unpin(peer: PeerKey): void {
    this.#peers.unpin(keyHex(peer));
    this.#listChanged();
  }

  async connectAddress(address: string, signal?: AbortSignal): Promise<PeerKey> {
    this.#requireRunning();
    const parsed = parseAddress(address);
    if (parsed === null) {
      throw new NetworkError("malformed", `expected a multiaddr like /ip4/127.0.0.1/tcp/4001, got ${address.slice(0, 128)}`);
    }
    const named = peerIdIn(parsed);
    const expected = named === undefined ? null : peerKeyFromText(named);
    const wasPinned = expected !== null && this.#peers.isPinned(keyHex(expected));
    // The gater lets a dial to a named peer pass only if it is listed.
    if (expected !== null) this.#peers.pin({ peerId: expected, multiaddrs: [address] });
    let peer = expected;
    try {
      peer = await this.#dialAddress(parsed, signal);
      this.pin({ peerId: peer, multiaddrs: [address] });
      await this.#hello(peer, true, signal);
      return peer;
    } catch (error) {
      if (peer !== null && !wasPinned) this.unpin(peer);
      throw error;
    }
  }

  /** @returns the key that answers at `address`. */
  async #dialAddress(address: Multiaddr, signal?: AbortSignal): Promise<PeerKey> {
    const deadline = new Deadline({ what: `connecting to ${address}`, signal, timeoutMs: connectTimeoutMs });
    try {
      const hex = hexOf((await this.#node.dial(address, { signal: deadline.signal })).remotePeer);
      if (hex === null) throw new NetworkError("refused", `the peer at ${address} has a key that is not ed25519`);
      return bytesOf(hex);
    } catch (cause) {
      if (cause instanceof NetworkError) throw cause;
      throw deadline.reason ?? new NetworkError("unreachable", `nobody answers at ${address}: ${errorText(cause)}`, { cause });
    } finally {
      deadline.clear();
    }
  }

  async connect(peer: PeerKey, signal?: AbortSignal): Promise<void> {
    this.#requireRunning();
    const hex = keyHex(peer);
    this.#peers.require(hex);
    const isFresh = this.#openConnection(hex) === undefined;
    if (isFresh) {
      const deadline = new Deadline({ what: `connecting to ${hex.slice(0, 8)}`, signal, timeoutMs: connectTimeoutMs });
      try {
        await this.#dial(hex, deadline.signal);
      } catch (error) {
        throw deadline.reason ?? error;
      } finally {
        deadline.clear();
      }
    }
    await this.#hello(peer, isFresh, signal);
  }

  /** A dial succeeds here before the other side's gater has had its say; an answer is the proof. */
  async #hello(peer: PeerKey, isFresh: boolean, signal?: AbortSignal): Promise<void> {
    const options = { maxResponseBytes: 0, signal, timeoutMs: connectTimeoutMs };
    try {
      await this.request(peer, helloProtocol, new Uint8Array(0), options);
    } catch (cause) {
      if (!isFresh || !(cause instanceof NetworkError) || cause.code !== "unreachable") throw cause;
      throw new NetworkError("refused", `peer ${keyHex(peer).slice(0, 8)} hung up at once: it does not list us`, { cause });
    }
  }

  connectedPeers(): PeerKey[] {
    return this.#node
      .getPeers()
      .map(hexOf)
      .filter((hex) => hex !== null && this.#peers.allows(hex) && this.#openConnection(hex) !== undefined)
      .map((hex) => bytesOf(hex!));
  }

  traffic(): PeerTraffic[] {
    return this.connectedPeers().map((peer) => {
      const hex = keyHex(peer);
      const { received, sent } = this.#traffic.of(hex);
      const rttMs = this.#node.getConnections(peerIdOf(hex)).find(({ rtt }) => rtt !== undefined)?.rtt ?? null;
      return { peer, receivedBytes: received, sentBytes: sent, rttMs };
    });
  }

  async toldBy(peer: PeerKey): Promise<string[]> {
    try {
      const { addresses } = await this.#node.peerStore.get(peerIdOf(keyHex(peer)));
      return addresses.map(({ multiaddr }) => String(multiaddr));
    } catch {
      return [];
    }
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    this.#requireRunning();
    if (data.byteLength > maxGossipBytes) {
      throw new NetworkError("too-large", `a gossip message holds ${maxGossipBytes} bytes, this one has ${data.byteLength}`);
    }
    await this.#pubsub().pubsub.publish(topic, data);
  }

  subscribe(topic: string, handler: (from: PeerKey, data: Uint8Array) => void): () => void {
    this.#requireRunning();
    const { pubsub, service } = this.#pubsub();
    let handlers = this.#topics.get(topic);
    if (handlers === undefined) {
      this.#topics.set(topic, (handlers = new Set()));
      pubsub.topicValidators.set(topic, (_relay, message) =>
        service.verdict(
          message.type === "signed" &&
            this.#isAllowed(message.from) &&
            this.#gossip.mayRelay(hexOf(message.from)!, message.data.byteLength),
        ),
      );
      pubsub.subscribe(topic);
    }
    handlers.add(handler);
    return () => {
      handlers.delete(handler);
      if (handlers.size > 0 || this.#topics.get(topic) !== handlers || this.#stopping.signal.aborted) return;
      this.#topics.delete(topic);
      pubsub.unsubscribe(topic);
      pubsub.topicValidators.delete(topic);
    };
  }

  #pubsub(): { pubsub: GossipSub; service: GossipService } {
    const { pubsub } = this.#node.services;
    const service = this.#gossipService;
    if (pubsub === undefined || service === undefined) {
      throw new NetworkError("refused", "this network was made to ask and answer only: make one with gossip to publish and subscribe");
    }
    return { pubsub, service };
  }

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): () => void {
    const maxResponseBytes = limits.maxResponseBytes ?? defaultMaxResponseBytes;
    return this.#serve(protocol, limits.maxRequestBytes, async (from, request, push, signal) => {
      const response = await handler(from, request, signal);
      if (response.byteLength > maxResponseBytes) {
        throw new NetworkError("remote-error", `answer of ${response.byteLength} bytes is over its own limit of ${maxResponseBytes}`);
      }
      await push(response);
    });
  }

  handleSubscription(protocol: string, limits: { maxRequestBytes: number }, handler: SubscriptionHandler): () => void {
    return this.#serve(protocol, limits.maxRequestBytes, handler);
  }

  async request(peer: PeerKey, protocol: string, request: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const deadline = new Deadline({
      what: `${protocol} to ${keyHex(peer).slice(0, 8)}`,
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? defaultRequestTimeoutMs,
      idleTimeoutMs: options.idleTimeoutMs,
    });
    return this.#overStream(peer, protocol, deadline, (stream) =>
      askOverStream(stream, request, options.maxResponseBytes, {
        signal: deadline.signal,
        onBytes: (bytes) => {
          deadline.touch();
          if (bytes > 0) options.onBytes?.(bytes);
        },
      }),
    );
  }

  async subscribeTo(
    peer: PeerKey,
    protocol: string,
    request: Uint8Array,
    onFrame: (frame: Uint8Array) => void | Promise<void>,
    options: SubscriptionOptions,
  ): Promise<void> {
    const deadline = new Deadline({ what: `${protocol} to ${keyHex(peer).slice(0, 8)}`, signal: options.signal });
    return this.#overStream(peer, protocol, deadline, (stream) =>
      subscribeOverStream(stream, request, options.maxFrameBytes, onFrame, deadline.signal),
    );
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#redialer.stop();
    this.#seats?.stop();
    await this.#node.stop();
  }

  /** Opens a stream, runs `use` on it, and closes it: gently if all went well. Clears the deadline. */
  async #overStream<T>(peer: PeerKey, protocol: string, deadline: Deadline, use: (stream: Stream) => Promise<T>): Promise<T> {
    const hex = keyHex(peer);
    let leaveGate: (() => void) | undefined;
    let stream: Stream | undefined;
    try {
      this.#requireRunning();
      this.#peers.require(hex);
      leaveGate = await this.#gate(hex, protocol).enter(deadline.signal);
      deadline.touch();
      const connection = this.#openConnection(hex) ?? (await this.#dial(hex, deadline.signal));
      stream = await connection.newStream(protocol, { signal: deadline.signal, maxOutboundStreams });
      const result = await use(stream);
      const closing = stream;
      stream.close({ signal: deadline.signal }).catch(() => closing.abort(new Error("could not close")));
      return result;
    } catch (cause) {
      stream?.abort(cause instanceof Error ? cause : new Error(errorText(cause)));
      if (this.#stopping.signal.aborted) throw stoppedError();
      throw deadline.reason ?? asNetworkError(cause, `${protocol} to ${hex.slice(0, 8)}`);
    } finally {
      leaveGate?.();
      deadline.clear();
    }
  }

  async #dial(hex: string, signal: AbortSignal): Promise<Connection> {
    const direct = this.#directAddresses(hex);
    const addresses = direct.length > 0 || this.#seats === null ? direct : await this.#waysToTab(hex, this.#seats);
    if (addresses.length === 0) {
      throw new NetworkError("unreachable", `peer ${hex.slice(0, 8)} is not connected and has no address; it has to dial us`);
    }
    try {
      return await this.#node.dial(addresses, { signal });
    } catch (cause) {
      throw new NetworkError("unreachable", `peer ${hex.slice(0, 8)} does not answer at ${addresses.join(", ")}: ${errorText(cause)}`, {
        cause,
      });
    }
  }

  /** Where a peer can be dialled without anybody's help, by the transports that there are here. */
  #directAddresses(hex: string): Multiaddr[] {
    const addresses = dialableAddresses(this.#peers.addresses(hex), peerIdOf(hex), connectionLimits.addressesPerPeer.value);
    return addresses.filter((address) => !isRelayed(address) && this.#canDial(address));
  }

  /** Through the relays that we have in common; then those that the tab itself named. */
  async #waysToTab(hex: string, seats: RelaySeats): Promise<Multiaddr[]> {
    const named = dialableAddresses(this.#peers.addresses(hex), peerIdOf(hex), connectionLimits.addressesPerPeer.value);
    const ways = [...(await seats.waysTo(peerIdOf(hex))), ...named.filter((address) => this.#canDial(address))];
    return [...new Map(ways.map((address) => [address.toString(), address])).values()];
  }

  #canDial(address: Multiaddr): boolean {
    const { transportManager } = (this.#node as Libp2p<Services> & WithTransports).components;
    return transportManager.dialTransportForMultiaddr(address) !== undefined;
  }

  #serve(protocol: string, maxRequestBytes: number, handler: SubscriptionHandler): () => void {
    this.#requireRunning();
    if (this.#protocols.has(protocol)) throw new NetworkError("malformed", `${protocol} already has a handler`);
    this.#protocols.add(protocol);
    const onStream = (stream: Stream, connection: Connection): void => {
      const hex = hexOf(connection.remotePeer);
      if (hex === null || !this.#peers.allows(hex)) {
        stream.abort(new Error("not a member"));
        return;
      }
      if (!this.#requests.mayAsk(hex, protocol, connection)) {
        void refuseStream(stream, new NetworkError("overloaded", "more requests than a peer may ask; ask again later"));
        return;
      }
      void serveStream(stream, maxRequestBytes, (request, push, signal) => handler(bytesOf(hex), request, push, signal));
    };
    this.#node.handle(protocol, onStream, { maxInboundStreams, maxOutboundStreams }).catch(this.#onError);
    return () => {
      this.#protocols.delete(protocol);
      if (!this.#stopping.signal.aborted) this.#node.unhandle(protocol).catch(this.#onError);
    };
  }

  #receive(topic: string, author: PeerId, data: Uint8Array): void {
    const hex = hexOf(author);
    if (hex === null) return;
    for (const handler of this.#topics.get(topic) ?? []) {
      try {
        handler(bytesOf(hex), data);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  #listChanged(): void {
    for (const connection of this.#node.getConnections()) {
      if (!this.#isAllowed(connection.remotePeer)) connection.abort(new Error("no longer a member"));
    }
    for (const key of this.#gates.keys()) if (!this.#peers.allows(key.slice(0, 64))) this.#gates.delete(key);
    this.#redialer.wake();
  }

  #openConnection(hex: string): Connection | undefined {
    return this.#node.getConnections(peerIdOf(hex)).find(({ status, limits }) => status === "open" && limits === undefined);
  }

  #gate(hex: string, protocol: string): Gate {
    const name = `${hex} ${protocol}`;
    let gate = this.#gates.get(name);
    if (gate === undefined) this.#gates.set(name, (gate = new Gate(maxOutboundStreams)));
    return gate;
  }

  #isAllowed(peer: PeerId): boolean {
    const hex = hexOf(peer);
    return hex !== null && this.#peers.allows(hex);
  }

  #requireRunning(): void {
    if (this.#stopping.signal.aborted) throw stoppedError();
  }
}

function stoppedError(): NetworkError {
  return new NetworkError("stopped", "this network was stopped");
}

function asNetworkError(cause: unknown, what: string): NetworkError {
  if (cause instanceof NetworkError) return cause;
  const isUnsupported = cause instanceof Error && cause.name === "UnsupportedProtocolError";
  return isUnsupported
    ? new NetworkError("refused", `${what}: the peer does not serve it`, { cause })
    : new NetworkError("unreachable", `${what}: ${errorText(cause)}`, { cause });
}

/** What a node knows of its transports, which it does not declare. */
interface WithTransports {
  components: { transportManager: { dialTransportForMultiaddr(address: Multiaddr): unknown } };
}
