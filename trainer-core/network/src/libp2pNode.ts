import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { MultiaddrConnection, PeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2p, type Libp2pOptions } from "libp2p";
import { Admission } from "./admission.ts";
import { GossipGuard } from "./gossipGuard.ts";
import type { GossipService, GossipSub } from "./gossipService.ts";
import { guardedTransport } from "./guardedTransport.ts";
import { type LimitHit, LimitReports } from "./limitReports.ts";
import { connectionLimits, streamLimits } from "./limits.ts";
import { Offenders } from "./offenders.ts";
import { bytesOf, hexOf, peerIdOf } from "./peerIds.ts";
import { PeerSet } from "./peerSet.ts";
import type { CircuitTransport, RelaySeats } from "./relaySeats.ts";
import type { RelayService } from "./relayService.ts";
import { RequestGuard } from "./requestGuard.ts";
import { TrafficLedger } from "./traffic.ts";

export type Libp2pTransports = NonNullable<Libp2pOptions["transports"]>;

export interface Libp2pNetworkOptions {
  /** Secret ed25519 seed of the peer id, 32 bytes. */
  seed: Uint8Array;
  /** Multiaddrs to listen on, e.g. `/ip4/0.0.0.0/tcp/4001`. Empty: we only dial. */
  listen: string[];
  /** Multiaddrs told to others instead of those we listen on (behind NAT, in a container). */
  announce?: string[];
  transports: Libp2pTransports;
  /** Publish and subscribe. Left out: this network only asks and answers. */
  gossip?: GossipService;
  /** Carry the signalling of members between each other. Left out: do not. */
  relay?: RelayService;
  /** Be reached and reach others through relays: a tab. The transports must have WebRTC and circuits. */
  throughRelays?: typeof RelaySeats;
  /** Accept everyone (the coordinator). Members are then only a list of addresses. */
  allowAll?: boolean;
  /** Told of what a gossip handler throws, and of registration failures. Default: throws it where nobody can catch it. */
  onError?: (error: unknown) => void;
  /** Told when someone ran into a limit (docs/limits.md): at the first hit of each culprit, then at most every 5 s. */
  onLimit?: (hit: LimitHit) => void;
  /** Clock of the rates, milliseconds. Default: `performance.now`. */
  now?: () => number;
}

export type Services = { pubsub?: GossipSub; identify?: unknown; ping?: unknown; relay?: unknown };

/** A started libp2p node and what watches over it. */
export interface Libp2pParts {
  node: Libp2p<Services>;
  /** whom the node admits */
  peers: PeerSet;
  traffic: TrafficLedger;
  gossip: GossipGuard;
  requests: RequestGuard;
  /** null: not a tab */
  seats: RelaySeats | null;
}

export interface GuardCallbacks {
  isReadHere: (topic: string) => boolean;
}

export async function startLibp2p(options: Libp2pNetworkOptions, callbacks: GuardCallbacks): Promise<Libp2pParts> {
  const peers = new PeerSet(options.allowAll ?? false);
  const traffic = new TrafficLedger();
  const reports = new LimitReports(options.onLimit);
  const isNamed = (hex: string): boolean => peers.names(hex);
  const hangUp = (hex: string): void => {
    for (const connection of node.getConnections(peerIdOf(hex))) connection.abort(new Error("went over its limits, cut off for a while"));
  };
  const { now } = options;
  const offenders = new Offenders({
    now,
    onPenalty: (hex) => pubsubOf(node)?.score.addPenalty(peerIdOf(hex).toString(), 1, "limits"),
    onCutOff: (hex) => {
      reports.hit("cut-off", { peer: bytesOf(hex) });
      hangUp(hex);
    },
  });
  const admission = new Admission({ traffic, reports, isNamed, now });
  const gossip = new GossipGuard({ reports, offenders, isReadHere: callbacks.isReadHere, now });
  const requests = new RequestGuard({ reports, offenders, isNamed, now });
  const isUnwelcome = (peer: PeerId): boolean => {
    const hex = hexOf(peer);
    return hex === null || !peers.allows(hex) || offenders.isCutOff(hex);
  };
  /** A coordinator lets everyone in; its relay is for members. */
  const isNoMember = (peer: PeerId): boolean => isUnwelcome(peer) || !isNamed(hexOf(peer)!);
  const assignTraffic = (peer: PeerId, connection: MultiaddrConnection): boolean => {
    traffic.assign(peer, connection);
    return false;
  };
  /** libp2p remembers everyone it has met; keys are free, so a stranger could fill the memory. */
  const forgetStranger = async (peer: PeerId): Promise<void> => {
    const isKept = (): boolean => node.status !== "started" || isNamed(hexOf(peer) ?? "") || node.getConnections(peer).length > 0;
    if (isKept()) return;
    try {
      // libp2p itself reads the entry first, to tell the protocols that the peer is gone
      await node.peerStore.get(peer);
      if (!isKept()) await node.peerStore.delete(peer);
    } catch {
      // It was never stored, or the node stops.
    }
  };
  let circuit: CircuitTransport | null = null;
  const node = await createLibp2p<Services>({
    privateKey: await generateKeyPairFromSeed("Ed25519", options.seed),
    // Guards must be in place before the first connection.
    start: false,
    addresses: { listen: options.listen, announce: options.announce },
    transports: options.transports.map((create) => {
      const guarded = guardedTransport(create, admission);
      return (components) => {
        const transport = guarded(components);
        if ("reservationStore" in transport) circuit = transport as unknown as CircuitTransport;
        return transport;
      };
    }),
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: streamLimits.inboundStreamsPerConnection.value,
        streamOptions: { maxStreamWindowSize: streamLimits.streamWindowBytes.value },
      }),
    ],
    connectionGater: {
      denyInboundEncryptedConnection: isUnwelcome,
      denyDialPeer: isUnwelcome,
      denyInboundUpgradedConnection: assignTraffic,
      denyOutboundUpgradedConnection: assignTraffic,
      denyInboundRelayReservation: isNoMember,
      denyOutboundRelayedConnection: (from, to) => isNoMember(from) || isNoMember(to),
      denyInboundRelayedConnection: (_relay, from) => isUnwelcome(from),
      // libp2p's browser default refuses plain ws and private addresses, which local runs need.
      denyDialMultiaddr: () => false,
    },
    connectionManager: {
      maxConnections: connectionLimits.connections.value,
      // `Admission` counts both, by host and without keeping members out.
      inboundConnectionThreshold: Number.MAX_SAFE_INTEGER,
      maxIncomingPendingConnections: Number.MAX_SAFE_INTEGER,
      // of each of a peer's addresses; the whole dial has its own limit
      addressDialTimeout: 10_000,
      dialTimeout: 20_000,
      inboundUpgradeTimeout: connectionLimits.upgradeMs.value,
      inboundStreamProtocolNegotiationTimeout: connectionLimits.upgradeMs.value,
      outboundStreamProtocolNegotiationTimeout: connectionLimits.upgradeMs.value,
    },
    // A frozen peer is noticed within 20 s; less would cut machines whose CPUs are busy training.
    connectionMonitor: { pingInterval: 5_000, pingTimeout: { minTimeout: 15_000 } },
    services: {
      ...(options.relay && { relay: options.relay }),
      ...(options.gossip && { identify: options.gossip.identify, ping: options.gossip.ping, pubsub: options.gossip.create }),
    },
  });
  node.addEventListener("connection:open", ({ detail: connection }) => {
    admission.opened(connection);
    requests.watch(connection);
  });
  node.addEventListener("peer:disconnect", ({ detail: peer }) => void forgetStranger(peer));
  if (node.services.pubsub) gossip.attach(node.services.pubsub);
  await node.start();
  const seats = options.throughRelays && circuit !== null ? new options.throughRelays(node, circuit) : null;
  seats?.start();
  return { node, peers, traffic, gossip, requests, seats };
}

/** gossipsub's score book, which it does not declare. */
function pubsubOf(node: Libp2p<Services>): { score: { addPenalty(peer: string, penalty: number, why: string): void } } | undefined {
  return node.services.pubsub as unknown as ReturnType<typeof pubsubOf>;
}
