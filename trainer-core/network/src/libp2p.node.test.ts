import { networkCompliance } from "./compliance.ts";
import { createNodeNetwork } from "./libp2p.node.ts";

for (const [name, address] of [
  ["libp2p over TCP", "/ip4/127.0.0.1/tcp/0"],
  ["libp2p over WebSockets", "/ip4/127.0.0.1/tcp/0/ws"],
]) {
  networkCompliance(name, {
    create: (seed, options) => createNodeNetwork({ seed, listen: [address], isRelay: true, ...options }),
    kill: (network) => network.stop(),
  });
}
