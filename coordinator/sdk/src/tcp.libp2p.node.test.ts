import { createNodeNetwork } from "@starling/network/libp2p.node";
import type { PeerNetwork } from "@starling/network";
import { coordinatorCompliance } from "./compliance.ts";
import { Identity } from "./identity.ts";
import { connectTcpCoordinator } from "./tcpClient.ts";
import { serveCoordinator } from "./tcpServer.ts";
import type { CoordinatorPort } from "./types.ts";

coordinatorCompliance("tcp over libp2p", async (core, admin) => {
  const serverIdentity = Identity.generate({ chainLength: 8 });
  const serverNetwork = await createNodeNetwork({
    seed: serverIdentity.secrets().peerSeed,
    listen: ["/ip4/127.0.0.1/tcp/0"],
    allowAll: true,
  });
  const stopServing = serveCoordinator({ core, network: serverNetwork, admins: [admin.owner.publicKey] });
  // without the /p2p part: whoever answers the first dial is trusted
  const address = serverNetwork.multiaddrs()[0].replace(/\/p2p\/.*$/, "");
  const ports: CoordinatorPort[] = [];
  const networks: PeerNetwork[] = [serverNetwork];
  return {
    async connect(identity) {
      const network = await createNodeNetwork({ seed: identity.secrets().peerSeed, listen: [] });
      networks.push(network);
      const port = await connectTcpCoordinator({
        network,
        coordinator: address,
        session: identity.session,
        grant: (runId) => identity.grant(runId, Date.now()),
      });
      ports.push(port);
      return port;
    },
    async stop() {
      await Promise.all(ports.map((port) => port.close()));
      stopServing();
      await Promise.all(networks.map((network) => network.stop()));
    },
  };
});
