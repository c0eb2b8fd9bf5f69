import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { type GossipSub, gossipsub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type { MultiaddrConnection, PeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2p, type Libp2pOptions } from "libp2p";
import { guardedTransport } from "./guardedTransport.ts";
import type { LimitHit } from "./limitReports.ts";
import { hexOf } from "./peerIds.ts";
import type { PeerSet } from "./peerSet.ts";
import { maxGossipBytes } from "./port.ts";
import type { TrafficLedger } from "./traffic.ts";

export type Libp2pTransports = NonNullable<Libp2pOptions["transports"]>;

export interface Libp2pNetworkOptions {
  /** Secret ed25519 seed of the peer id, 32 bytes. */
  seed: Uint8Array;
  /** Multiaddrs to listen on, e.g. `/ip4/0.0.0.0/tcp/4001`. Empty: we only dial. */
  listen: string[];
  /** Multiaddrs told to others instead of those we listen on (behind NAT, in a container). */
  announce?: string[];
  transports: Libp2pTransports;
  /** Accept everyone (the coordinator). Members are then only a list of addresses. */
  allowAll?: boolean;
  /** Most connections at once. Default 1024. */
  maxConnections?: number;
  /** Told of what a gossip handler throws, and of registration failures. Default: throws it where nobody can catch it. */
  onError?: (error: unknown) => void;
  /** Told when someone ran into a limit (docs/limits.md): at the first hit of each culprit, then at most every 5 s. */
  onLimit?: (hit: LimitHit) => void;
}

export type Services = { pubsub: GossipSub; identify: unknown; ping: unknown };

/** A started libp2p node that admits only `peers`. */
export async function startLibp2p(options: Libp2pNetworkOptions, peers: PeerSet, traffic: TrafficLedger): Promise<Libp2p<Services>> {
  const privateKey = await generateKeyPairFromSeed("Ed25519", options.seed);
  const isStranger = (peer: PeerId): boolean => {
    const hex = hexOf(peer);
    return hex === null || !peers.allows(hex);
  };
  const guard = { admit: () => () => {}, track: (connection: MultiaddrConnection) => traffic.track(connection) };
  const assignTraffic = (peer: PeerId, connection: MultiaddrConnection): boolean => {
    traffic.assign(peer, connection);
    return false;
  };
  return createLibp2p<Services>({
    privateKey,
    addresses: { listen: options.listen, announce: options.announce },
    transports: options.transports.map((transport) => guardedTransport(transport, guard)),
    connectionEncrypters: [noise()],
    // The default window of 16 MiB lets one blob hold up every small message on the connection for 250 ms.
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 1024 * 1024 } })],
    connectionGater: {
      denyInboundEncryptedConnection: isStranger,
      denyDialPeer: isStranger,
      denyInboundUpgradedConnection: assignTraffic,
      denyOutboundUpgradedConnection: assignTraffic,
      // libp2p's browser default refuses plain ws and private addresses, which local runs need.
      denyDialMultiaddr: () => false,
    },
    connectionManager: {
      maxConnections: options.maxConnections ?? 1024,
      // Many peers share one host address: a local testnet, a lab behind NAT.
      inboundConnectionThreshold: 256,
      maxIncomingPendingConnections: 256,
      inboundUpgradeTimeout: 30_000,
      inboundStreamProtocolNegotiationTimeout: 30_000,
      outboundStreamProtocolNegotiationTimeout: 30_000,
    },
    // A frozen peer is noticed within 20 s; less would cut machines whose CPUs are busy training.
    connectionMonitor: { pingInterval: 5_000, pingTimeout: { minTimeout: 15_000 } },
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({
        globalSignaturePolicy: "StrictSign",
        // Our own messages go to every subscribed peer at once: small meshes must not wait for a heartbeat.
        floodPublish: true,
        allowPublishToZeroTopicPeers: true,
        ignoreDuplicatePublishError: true,
        doPX: false,
        // One message is at most 64 KiB (checked below); one RPC also carries up to 5000 message ids.
        maxInboundDataLength: maxGossipBytes + 256 * 1024,
        // About 64 topics a peer: a run needs a handful.
        maxTopicBytesPerPeer: 64 * 1024,
        gossipsubIWantFollowupMs: 15_000,
        scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: -1 },
      }),
    },
  });
}
