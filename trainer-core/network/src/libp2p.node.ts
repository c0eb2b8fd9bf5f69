import { tcp } from "@libp2p/tcp";
import { webSocketTransport } from "./webSocketTransport.ts";
import { createLibp2pNetwork } from "./libp2pNetwork.ts";
import type { Libp2pNetworkOptions, Libp2pTransports } from "./libp2pNode.ts";
import type { PeerNetwork } from "./port.ts";

/** A daemon's network: TCP, and WebSockets (`/ip4/.../tcp/.../ws`) for the tabs that dial it. */
export function createNodeNetwork(options: Omit<Libp2pNetworkOptions, "transports">): Promise<PeerNetwork> {
  return createLibp2pNetwork({ ...options, transports: nodeTransports() });
}

export function nodeTransports(): Libp2pTransports {
  return [tcp(), webSocketTransport()];
}
