/** What the page needs to know of a TCP coordinator that a person names as daemons do: its run, and where it listens for tabs. */
import { generateKeypair, type PeerKey, type PeerNetwork, toMultiaddr } from "@starling/network";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { addressesToldBy } from "@starling/network/libp2pNetwork";
import { peerIdText } from "@starling/network/peerIds";
import { connectTcpCoordinator } from "@starling/sdk";
import { HostError } from "../errors.ts";

const CONNECT_LIMIT_MS = 10_000;
const TOLD_LIMIT_MS = 5_000;
const LOOK_EVERY_MS = 50;

export interface FoundCoordinator {
  /** multiaddr of its WebSocket listener, with /p2p/ */
  address: string;
  runId: string;
}

/** Errors: HostError coordinator-unreachable. */
export async function findCoordinator(serverAddr: string, signal: AbortSignal): Promise<FoundCoordinator> {
  const address = toMultiaddr(serverAddr);
  const network = await createNodeNetwork({ seed: crypto.getRandomValues(new Uint8Array(32)), listen: [], onError: () => undefined });
  try {
    const peer = await network.connectAddress(address, signal);
    const coordinator = await connectTcpCoordinator({
      network,
      coordinator: address,
      session: generateKeypair(),
      connectTimeoutMs: CONNECT_LIMIT_MS,
      signal,
    });
    const { runId } = await coordinator.runInfo(signal).finally(() => coordinator.close());
    const ws = /\/ws(\/|$)/.test(address) ? address : await webSocketOf(network, peer, address);
    return { address: ws.includes("/p2p/") ? ws : `${ws}/p2p/${peerIdText(peer)}`, runId };
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError("coordinator-unreachable", `no coordinator answers at ${serverAddr}: ${(cause as Error).message}`, { cause });
  } finally {
    await network.stop();
  }
}

/** It tells its addresses right after the connection stands. At 0.0.0.0 they are those of all its interfaces: we know which one is reached. */
async function webSocketOf(network: PeerNetwork, peer: PeerKey, dialled: string): Promise<string> {
  const deadline = performance.now() + TOLD_LIMIT_MS;
  for (;;) {
    const told = (await addressesToldBy(network, peer)).filter((address) => /\/wss?(\/|$)/.test(address));
    const host = dialled.split("/").slice(0, 3).join("/");
    const [best] = [...told.filter((address) => address.startsWith(`${host}/`)), ...told];
    if (best !== undefined) return best.replace(/^\/[^/]+\/[^/]+/, host);
    if (performance.now() > deadline)
      throw new HostError(
        "coordinator-unreachable",
        `the coordinator at ${dialled} does not listen for tabs: start it with --server-ws-port`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
