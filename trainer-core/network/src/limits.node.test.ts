/** The limits on real connections: what a bad neighbour loses, and that nobody else does. */
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { eventually, memberOf, seedOf } from "./compliance.ts";
import { createNodeNetwork, nodeTransports } from "./libp2p.node.ts";
import { gossipService } from "./gossipService.ts";
import { type Libp2pParts, startLibp2p } from "./libp2pNode.ts";
import type { LimitHit } from "./limitReports.ts";
import { connectionLimits, rateLimits } from "./limits.ts";
import { generateKeypair } from "./keys.ts";
import { parseAddress, peerIdText } from "./peerIds.ts";
import { keyHex, type PeerNetwork } from "./port.ts";

const stop: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(stop.splice(0).map((each) => each()));
});

interface Watched {
  network: PeerNetwork;
  hits: LimitHit[];
}

async function watched(index: number, listen = "/ip4/127.0.0.1/tcp/0"): Promise<Watched> {
  const hits: LimitHit[] = [];
  const network = await createNodeNetwork({
    seed: seedOf(index),
    listen: [listen],
    onLimit: (hit) => hits.push(hit),
    // Time stands still for the rates: a burst is all there is, however slow this machine.
    now: () => 0,
  });
  stop.push(() => network.stop());
  return { network, hits };
}

/** A member that may do as it likes: our own node, used below its port. */
async function rogue(index: number): Promise<Libp2pParts> {
  const parts = await startLibp2p(
    { seed: seedOf(index), listen: [], transports: nodeTransports(), gossip: gossipService(), allowAll: true },
    { isReadHere: () => true },
  );
  stop.push(() => parts.node.stop());
  return parts;
}

interface RawGossip {
  sendRpc(peer: string, rpc: object): boolean;
  streamsOutbound: Map<string, unknown>;
}

const connectionsOf = (rogueParts: Libp2pParts): number => rogueParts.node.getConnections().length;
const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

describe("limits on real connections", () => {
  test("a member that floods gossip with junk is cut off; the others go on hearing each other", async () => {
    const [a, b] = [await watched(0), await watched(1)];
    const bad = await rogue(2);
    const badKey = generateKeypair(seedOf(2)).publicKey;
    const members = [memberOf(a.network), memberOf(b.network), { peerId: badKey, multiaddrs: [] }];
    for (const { network } of [a, b]) network.setMembers(members);
    await eventually(() => a.network.connectedPeers().length > 0 && b.network.connectedPeers().length > 0);
    const heard: number[] = [];
    a.network.subscribe("round", (from, [value]) => keyHex(from) === keyHex(b.network.self) && heard.push(value));
    b.network.subscribe("round", () => {});

    const gossip = bad.node.services.pubsub as unknown as RawGossip;
    const target = peerIdText(a.network.self);
    await bad.node.dial(parseAddress(a.network.multiaddrs()[0])!);
    await eventually(() => gossip.streamsOutbound.has(target));
    const from = Uint8Array.of(0, 36, 8, 1, 18, 32, ...badKey);
    let value = 0;
    const honest = setInterval(() => void b.network.publish("round", Uint8Array.of(value++)).catch(() => {}), 50);
    stop.push(() => clearInterval(honest));
    await eventually(() => heard.length > 2);
    let sent = 0;
    await eventually(() => {
      for (let i = 0; i < 200 && gossip.streamsOutbound.has(target); i++, sent++) {
        // mostly of a topic that nobody reads: before the wrong signatures alone would do
        const message = { from, seqno: random(8), topic: sent % 20 === 0 ? "round" : "elsewhere", data: random(50), signature: random(64) };
        gossip.sendRpc(target, { subscriptions: [], messages: [message] });
      }
      return connectionsOf(bad) === 0;
    });
    // what the rates let pass, what strikes forgive, and what was under way when the connection broke
    const forgiven = rateLimits.gossipMessages.burst + 3 * rateLimits.gossipMessagesPerMember.burst + rateLimits.strikes.burst;
    expect(sent).toBeLessThan(2 * forgiven);
    expect(a.hits.map(({ limit }) => limit)).toEqual(expect.arrayContaining(["gossip-junk", "gossip-rate", "cut-off"]));
    for (const { peer, limit } of a.hits) expect(keyHex(peer!), limit).toBe(keyHex(badKey));
    // It is refused for a while, and the honest two have lost nothing.
    await bad.node.dial(parseAddress(a.network.multiaddrs()[0])!).catch(() => {});
    await eventually(() => connectionsOf(bad) === 0);
    const before = heard.length;
    await eventually(() => heard.length > before + 5);
    expect(a.network.connectedPeers().map(keyHex)).toEqual([keyHex(b.network.self)]);
  });

  test("an author that says too much is not relayed, and its neighbours are not blamed", async () => {
    const [a, b, c] = [await watched(3), await watched(4), await watched(5)];
    const members = [a, b, c].map(({ network }) => memberOf(network));
    // a and c hear each other through b only
    a.network.setMembers([members[0], members[1], { ...members[2], multiaddrs: [] }]);
    b.network.setMembers(members);
    c.network.setMembers([{ ...members[0], multiaddrs: [] }, members[1], members[2]]);
    let received = 0;
    for (const { network } of [a, b]) network.subscribe("round", () => {});
    c.network.subscribe("round", () => received++);
    await eventually(() => b.network.connectedPeers().length === 2);
    await eventually(async () => {
      await a.network.publish("round", random(8));
      return received > 0;
    });
    const { burst } = rateLimits.authorMessages;
    for (let i = 0; i < burst + 50; i++) await a.network.publish("round", random(16));
    await eventually(() => b.hits.some(({ limit, peer }) => limit === "gossip-rate" && keyHex(peer!) === keyHex(a.network.self)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(received).toBeLessThanOrEqual(burst);
    expect(c.hits.filter(({ peer }) => peer !== null && keyHex(peer) === keyHex(b.network.self))).toEqual([]);
    expect(b.network.connectedPeers()).toHaveLength(2);
  });

  test("a host that opens many connections and ends no handshake keeps nobody out", async () => {
    const a = await watched(9);
    const b = await watched(10);
    const port = Number(/\/tcp\/(\d+)/.exec(a.network.multiaddrs()[0])![1]);
    const sockets = new Set<net.Socket>();
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      const socket = net.connect(port, "127.0.0.1");
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => refused++);
    }
    stop.push(() => sockets.forEach((socket) => socket.destroy()));
    // of the burst, those that are too many at once went first, the rest was never let in
    await eventually(() => refused >= 400 - connectionLimits.upgradesPerHost.value);
    expect(a.hits.map(({ limit }) => limit)).toContain("upgrades-per-host");
    const startMs = performance.now();
    // b cannot dial a now, if its luck is bad; a dials b
    a.network.setMembers([memberOf(a.network), memberOf(b.network)]);
    b.network.setMembers([memberOf(a.network), memberOf(b.network)]);
    await eventually(() => a.network.connectedPeers().length === 1 && b.network.connectedPeers().length === 1);
    console.log(`connected to a member of the flooding host after ${(performance.now() - startMs).toFixed(0)} ms`);
  });

  test("a host that opens WebSockets and says nothing, or half a request, holds no more descriptors than handshakes", async () => {
    const a = await watched(11, "/ip4/127.0.0.1/tcp/0/ws");
    const b = await watched(12);
    const port = Number(/\/tcp\/(\d+)/.exec(a.network.multiaddrs()[0])![1]);
    const open = new Set<net.Socket>();
    for (let i = 0; i < 300; i++) {
      const socket = net.connect(port, "127.0.0.1", () => i % 2 === 0 && socket.write("GET / HTTP/1.1\r\n"));
      open.add(socket);
      socket.on("error", () => {}).on("close", () => open.delete(socket));
    }
    stop.push(() => open.forEach((socket) => socket.destroy()));
    await eventually(() => open.size <= connectionLimits.upgradesPerHost.value);
    expect(a.hits.map(({ limit }) => limit)).toContain("upgrades-per-host");
    // an honest one from the same host takes the place of the oldest
    a.network.setMembers([memberOf(a.network), memberOf(b.network)]);
    b.network.setMembers([memberOf(a.network), memberOf(b.network)]);
    await eventually(() => b.network.connectedPeers().length === 1);
  });

  test("a stranger that is gone leaves nothing in the peer store, and a member stays in it", async () => {
    const open = await rogue(13);
    await open.node.start();
    const server = await startLibp2p(
      { seed: seedOf(14), listen: ["/ip4/127.0.0.1/tcp/0"], transports: nodeTransports(), gossip: gossipService(), allowAll: true },
      { isReadHere: () => true },
    );
    stop.push(() => server.node.stop());
    const member = await rogue(15);
    server.peers.setMembers([{ peerId: generateKeypair(seedOf(15)).publicKey, multiaddrs: [] }]);
    for (const { node } of [open, member]) await node.dial(server.node.getMultiaddrs());
    const stored = async (): Promise<string[]> => (await server.node.peerStore.all()).map(({ id }) => id.toString());
    await eventually(async () => (await stored()).length === 2);
    await eventually(() => server.node.services.pubsub!.getPeers().length === 2);
    await Promise.all([open, member].map(({ node }) => node.stop()));
    await eventually(async () => (await stored()).join() === member.node.peerId.toString());
    // gossipsub heard of it all the same
    await eventually(() => server.node.services.pubsub!.getPeers().length === 0);
  });

  test("who hangs up and comes back has used what it used", async () => {
    const a = await watched(16);
    const bad = await rogue(17);
    const badKey = generateKeypair(seedOf(17)).publicKey;
    a.network.setMembers([memberOf(a.network), { peerId: badKey, multiaddrs: [] }]);
    const gossip = bad.node.services.pubsub as unknown as RawGossip;
    const target = peerIdText(a.network.self);
    const message = { topic: "elsewhere", data: random(50) };
    // a message of a topic that nobody reads weighs ten
    const burst = (rateLimits.gossipMessages.burst + 2 * rateLimits.gossipMessagesPerMember.burst) / 10;
    for (let visit = 0; visit < 2; visit++) {
      await bad.node.dial(parseAddress(a.network.multiaddrs()[0])!);
      await eventually(() => gossip.streamsOutbound.has(target));
      for (let i = 0; i < 0.8 * burst; i++) gossip.sendRpc(target, { subscriptions: [], messages: [message] });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await bad.node.hangUp(parseAddress(a.network.multiaddrs()[0])!);
      await eventually(() => a.network.connectedPeers().length === 0 && !gossip.streamsOutbound.has(target));
    }
    expect(a.hits.map(({ limit }) => limit)).toContain("gossip-rate");
  });
});
