import { webSocketTransport } from "./webSocketTransport.ts";
import { createLibp2pNetwork } from "./libp2pNetwork.ts";
import type { Libp2pNetworkOptions } from "./libp2pNode.ts";
import type { PeerNetwork } from "./port.ts";

/** A tab's network, for a page or a Worker: it dials over WebSockets and cannot be dialled. */
export function createBrowserNetwork(options: Omit<Libp2pNetworkOptions, "transports" | "listen" | "announce">): Promise<PeerNetwork> {
  return createLibp2pNetwork({ ...options, listen: [], transports: [webSocketTransport()] });
}
