/** A tab's network. Evaluates @libp2p/webrtc: in a Worker, `RTCPeerConnection` must be in place before this module is imported. */
import { circuitRelayTransport } from "@libp2p/circuit-relay-v2";
import { webRTC, webRTCDirect } from "@libp2p/webrtc";
import { NetworkError } from "./errors.ts";
import { gossipService } from "./gossipService.ts";
import { createLibp2pNetwork } from "./libp2pNetwork.ts";
import type { Libp2pNetworkOptions, Libp2pTransports } from "./libp2pNode.ts";
import { relayLimits } from "./limits.ts";
import { parseAddress, peerIdIn, peerKeyFromText } from "./peerIds.ts";
import type { PeerNetwork } from "./port.ts";
import { RelaySeats } from "./relaySeats.ts";
import { webSocketTransport } from "./webSocketTransport.ts";

/** A STUN or TURN server, as `RTCIceServer` has it. */
export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

export interface BrowserNetworkOptions extends Omit<
  Libp2pNetworkOptions,
  "transports" | "listen" | "announce" | "gossip" | "relay" | "throughRelays"
> {
  /** Multiaddrs, with `/p2p/`, of peers to keep connected to as relays to other tabs: the coordinator, a known daemon. */
  relays?: readonly string[];
  /** By which tabs behind routers find each other. None by default: tabs then meet on one network, or not at all. */
  iceServers?: readonly IceServer[];
}

/**
 * A tab's network, for a page or a Worker. It dials daemons by WebSocket and webrtc-direct, and other tabs by WebRTC, whose
 * signalling goes through a relay: any daemon or coordinator that it is connected to. Where the browser has no WebRTC
 * (a Worker without a bridge), WebSockets only. A relay that does not answer is tried again and again.
 * Errors: NetworkError `malformed` for a relay without its peer id.
 */
export async function createBrowserNetwork({ relays = [], iceServers = [], ...options }: BrowserNetworkOptions): Promise<PeerNetwork> {
  const pinned = [...byPeer(relays)].map(([peer, multiaddrs]) => ({ peerId: peerKeyFromText(peer), multiaddrs }));
  const hasWebRtc = "RTCPeerConnection" in globalThis;
  const rtcConfiguration = { iceServers: iceServers.map((server) => ({ ...server })) };
  const transports: Libp2pTransports = [webSocketTransport()];
  if (hasWebRtc) {
    const atOnce = relayLimits.relayedAtOnce.value;
    transports.push(
      webRTCDirect({ rtcConfiguration, maxEarlyStreams }),
      webRTC({ rtcConfiguration, maxEarlyStreams }),
      circuitRelayTransport({ maxInboundStopStreams: atOnce, maxOutboundStopStreams: atOnce }),
    );
  }
  const network = await createLibp2pNetwork({
    ...options,
    listen: [],
    transports,
    gossip: gossipService(),
    ...(hasWebRtc && { throughRelays: RelaySeats }),
  });
  for (const relay of pinned) network.pin(relay);
  return network;
}

/** Streams that the other side opens while the connection is still being made: all that a peer with much to ask asks at once. */
const maxEarlyStreams = 64;

function byPeer(multiaddrs: readonly string[]): Map<string, string[]> {
  const peers = new Map<string, string[]>();
  for (const text of multiaddrs) {
    const address = parseAddress(text);
    const peer = address === null ? undefined : peerIdIn(address);
    if (peer === undefined) {
      throw new NetworkError("malformed", `a relay: expected a multiaddr that ends in /p2p/ and its peer id, got ${text.slice(0, 128)}`);
    }
    peers.set(peer, [...(peers.get(peer) ?? []), text]);
  }
  return peers;
}
