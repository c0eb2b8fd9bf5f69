/** A network over WebSockets alone, for who only watches in a browser: a fraction of the bytes of `libp2pBrowser.ts`, which has WebRTC. */
import { createLibp2pNetwork } from "./libp2pNetwork.ts";
import type { Libp2pNetworkOptions } from "./libp2pNode.ts";
import type { PeerNetwork } from "./port.ts";
import { webSocketTransport } from "./webSocketTransport.ts";

/** Dials daemons and coordinators by WebSocket, and cannot be dialled; asks, but neither publishes nor subscribes to topics. */
export function createWebSocketNetwork(options: Pick<Libp2pNetworkOptions, "seed" | "onError" | "onLimit">): Promise<PeerNetwork> {
  return createLibp2pNetwork({ ...options, listen: [], transports: [webSocketTransport()] });
}
