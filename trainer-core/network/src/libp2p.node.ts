import type { Listener, Transport } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { gossipService } from "./gossipService.ts";
import { relayService } from "./relayService.ts";
import { webSocketTransport } from "./webSocketTransport.ts";
import { createLibp2pNetwork } from "./libp2pNetwork.ts";
import type { Libp2pNetworkOptions, Libp2pTransports } from "./libp2pNode.ts";
import { NetworkError } from "./errors.ts";
import type { PeerNetwork } from "./port.ts";

export interface NodeNetworkOptions extends Omit<Libp2pNetworkOptions, "transports" | "gossip" | "relay" | "throughRelays"> {
  /** Carry the signalling of members between each other (docs/limits.md). */
  isRelay?: boolean;
  /** Also dial webrtc-direct addresses: daemons have no need to. Default: where `listen` has one. */
  webRtcDirect?: boolean;
}

/**
 * A daemon's network: TCP; WebSockets (`/ip4/.../tcp/.../ws`) and, where `listen` has such an address,
 * webrtc-direct (`/ip4/.../udp/.../webrtc-direct`) for the tabs that dial it.
 * @throws NetworkError `unreachable`: this platform has no WebRTC
 */
export async function createNodeNetwork({ webRtcDirect, isRelay, ...options }: NodeNetworkOptions): Promise<PeerNetwork> {
  const hasWebRtc = webRtcDirect ?? options.listen.some((address) => address.includes("/webrtc-direct"));
  return createLibp2pNetwork({
    ...options,
    transports: hasWebRtc ? await nodeTransportsWithWebRtc() : nodeTransports(),
    gossip: gossipService(),
    ...(isRelay && { relay: relayService() }),
  });
}

export function nodeTransports(): Libp2pTransports {
  return [tcp(), webSocketTransport()];
}

/** Loaded when it is wanted: a native library that takes a quarter of a second. @throws NetworkError `unreachable` */
export async function nodeTransportsWithWebRtc(): Promise<Libp2pTransports> {
  const { webRTCDirect } = await import("@libp2p/webrtc").catch((cause: Error) => {
    throw new NetworkError("unreachable", `this platform has no WebRTC: ${cause.message.split("\n")[0]}`, { cause });
  });
  // left out, libp2p asks STUN servers of third parties
  const create = webRTCDirect({ rtcConfiguration: { iceServers: [] }, maxEarlyStreams: 64 });
  return [...nodeTransports(), (components) => mended(create(components) as DirectTransport)];
}

/** What is used of `@libp2p/webrtc`'s transport for Node and of its listener, which they do not declare. */
type DirectTransport = Transport & { start(): Promise<void>; renewCertificateTask?: NodeJS.Timeout };
type DirectListener = Listener & {
  stunServer?: { close(): Promise<void> };
  incomingConnection(...packet: unknown[]): Promise<void>;
};

function mended(transport: DirectTransport): DirectTransport {
  const start = transport.start.bind(transport);
  transport.start = async () => {
    await start();
    // An address names its certificate, and members were told of the address: it lasts as long as the process. Nobody checks its date.
    clearTimeout(transport.renewCertificateTask);
  };
  const createListener = transport.createListener.bind(transport);
  transport.createListener = (options) => {
    const listener = createListener(options) as DirectListener;
    const listen = listener.listen.bind(listener);
    listener.listen = async (address) => {
      await listen(address);
      // Stopping it frees what its own threads go on using: the process then dies of SIGSEGV or SIGABRT (node-datachannel 0.33.4).
      // So nobody answers at the port any more, and it stays taken until the process ends.
      listener.stunServer!.close = () => {
        listener.incomingConnection = () => Promise.resolve();
        return Promise.resolve();
      };
    };
    return listener;
  };
  return transport;
}
