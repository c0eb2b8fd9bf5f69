import { createNodeNetwork } from "@starling/network/libp2p.node";
import type { PeerNetwork } from "@starling/network";
import { expect, it, vi } from "vitest";
import { COMPLIANCE_CONFIG } from "./complianceClient.ts";
import { coreCompliance } from "./complianceCore.ts";
import { CoordinatorCore } from "./core.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import { connectTcpCoordinator } from "./tcpClient.ts";
import type { ConnectionStatus } from "./tcpOptions.ts";
import { serveCoordinator } from "./tcpServer.ts";
import type { CoordinatorPort } from "./types.ts";

coreCompliance("tcp over libp2p", async (core, admin) => {
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

it("a client does not follow another coordinator that answers at the address of the one it knew", async () => {
  const undo: (() => Promise<void> | void)[] = [];
  const serve = async (seed: Uint8Array, port: string): Promise<{ address: string; stop: () => Promise<void> }> => {
    const network = await createNodeNetwork({ seed, listen: [`/ip4/127.0.0.1/tcp/${port}`], allowAll: true });
    const machine = Machine.create("keys", COMPLIANCE_CONFIG, BigInt(Date.now()));
    const core = new CoordinatorCore({ machine, configToml: "" });
    core.start();
    const stopServing = serveCoordinator({ core, network });
    const stop = async (): Promise<void> => {
      stopServing();
      core.stop();
      await network.stop();
    };
    undo.push(stop);
    return { address: network.multiaddrs()[0].replace(/\/p2p\/.*$/, ""), stop };
  };
  try {
    const [known, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const first = await serve(known, "0");
    const identity = Identity.generate({ chainLength: 8 });
    const network = await createNodeNetwork({ seed: identity.secrets().peerSeed, listen: [] });
    undo.push(() => network.stop());
    const statuses: ConnectionStatus[] = [];
    const port = await connectTcpCoordinator({
      network,
      coordinator: first.address,
      session: identity.session,
      grant: (runId) => identity.grant(runId, Date.now()),
      onStatus: (status) => statuses.push(status),
    });
    undo.push(() => port.close());
    await port.join(identity.membership(), []);
    await first.stop();
    const tcpPort = first.address.split("/").at(-1)!;
    const second = await serve(other, tcpPort);
    await vi.waitFor(() => expect(statuses.at(-1)?.error?.code).toBe("wrong-key"), { timeout: 20_000 });
    expect(statuses.at(-1)!.error!.message).toMatch(/another coordinator answers at .*state folder/);
    await second.stop();
    await serve(known, tcpPort);
    await vi.waitFor(() => expect(statuses.at(-1)).toEqual({ connected: true, error: null }), { timeout: 20_000 });
  } finally {
    for (const one of undo.reverse()) await one();
  }
}, 60_000);
