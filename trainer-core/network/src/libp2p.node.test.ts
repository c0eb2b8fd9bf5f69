import { networkCompliance } from "./compliance.ts";
import { createNodeNetwork } from "./libp2p.node.ts";

for (const [name, address] of [
  ["libp2p over TCP", "/ip4/127.0.0.1/tcp/0"],
  ["libp2p over WebSockets", "/ip4/127.0.0.1/tcp/0/ws"],
  ["libp2p over webrtc-direct", "/ip4/127.0.0.1/udp/0/webrtc-direct"],
]) {
  networkCompliance(name, {
    create: (seed, options) => createNodeNetwork({ seed, listen: [address], isRelay: true, ...options }),
    kill: (network) => network.stop(),
    // it closes the connection that it has not accepted yet
    mayRefuseInSilence: address.includes("webrtc"),
    hasNoBackpressure: address.includes("webrtc"),
  });
}
