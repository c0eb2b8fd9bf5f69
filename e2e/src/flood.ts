/**
 * Floods a run from one host, as a process of its own:
 * `node e2e/src/flood.ts '{"clients": [multiaddr...], "coordinator": multiaddr, "runId": "test", "seconds": 10}'`
 *
 * - strangers: `connections` TCP connections at all times, spread over all targets, opened anew whenever they are refused: some never
 *   say a word, some send a byte a second, some half a handshake, some junk, some a whole handshake with an unknown key
 * - messages: `messagesPerSecond` in all. A member turned bad gossips to every client: unsigned, wrongly signed, too large, of another
 *   run, replayed, and well signed nonsense; it and a stranger send the coordinator replayed, forged and misdirected calls; what the
 *   targets no longer take from them, raw connections send as junk
 *
 * The bad member joins the run while an epoch is under way, so that it is on every allowlist and in no slot.
 * Prints one JSON line: what it tried, what was taken, and what was refused.
 */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { RPC } from "@libp2p/gossipsub/message";
import { generateKeypair, keyHex, type PeerNetwork, sealRequest } from "@starling/network";
import { createNodeNetwork, nodeTransports } from "@starling/network/libp2p.node";
import { gossipService } from "@starling/network/gossipService";
import { type Libp2pParts, startLibp2p } from "@starling/network/libp2pNode";
import { parseAddress, peerIdIn } from "@starling/network/peerIds";
import { connectTcpCoordinator, Identity } from "@starling/sdk";
import { CALL_DOMAIN, CALL_PROTOCOL } from "@starling/sdk/protocol";

interface FloodOptions {
  clients: string[];
  coordinator: string;
  runId: string;
  /** the run's gossip topic */
  topic: string;
  seconds: number;
  connections: number;
  messagesPerSecond: number;
  /** address to flood from, e.g. 127.0.0.2; default: the system's choice */
  from?: string;
}

const counts = {
  socketsOpened: 0,
  socketsRefused: 0,
  mostSocketsOpen: 0,
  handshakes: 0,
  handshakesFailed: 0,
  memberConnections: 0,
  gossipFrames: 0,
  calls: 0,
  callsAnswered: 0,
  junkFrames: 0,
  /** messages that were due, taken or not */
  messagesTried: 0,
};

/** Messages that are sent with one call: the flooder is to take the targets' CPU, not its own. */
const BATCH = 100;
const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
const options: FloodOptions = { connections: 1000, messagesPerSecond: 10_000, ...(JSON.parse(process.argv[2]) as object) } as FloodOptions;
const targets = [...options.clients, options.coordinator].map((address) => {
  const [, host, port] = /^\/ip4\/([\d.]+)\/tcp\/(\d+)/.exec(address)!;
  return { host, port: Number(port) };
});

/** Strangers that never get past the handshake. */
class Strangers {
  readonly #sockets = new Set<net.Socket>();
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  constructor() {
    this.#timer = setInterval(() => {
      for (const socket of this.#sockets) if (socket.writable) socket.write(Uint8Array.of(0x13));
    }, 1000);
  }

  fill(atMost: number): void {
    for (let i = 0; i < atMost && this.#sockets.size < options.connections; i++) this.#open();
  }

  /** `BATCH` frames. Whether some open connection took them. */
  junk(): boolean {
    for (const socket of this.#sockets) {
      if (!socket.writable || socket.writableLength > 65_536) continue;
      // to the end of the line, so that the next junk takes another
      this.#sockets.delete(socket);
      this.#sockets.add(socket);
      socket.write(random(100 * BATCH));
      return true;
    }
    return false;
  }

  #open(): void {
    const kind = this.#next++;
    const { host, port } = targets[kind % targets.length];
    const socket = net.connect({ host, port, localAddress: options.from });
    this.#sockets.add(socket);
    counts.socketsOpened++;
    counts.mostSocketsOpen = Math.max(counts.mostSocketsOpen, this.#sockets.size);
    socket.on("error", () => {});
    socket.on("close", () => {
      counts.socketsRefused++;
      this.#sockets.delete(socket);
    });
    socket.on("connect", () => {
      const line = (text: string): Buffer => Buffer.concat([Buffer.of(text.length + 1), Buffer.from(`${text}\n`)]);
      if (kind % 4 === 1) socket.write(line("/multistream/1.0.0"));
      if (kind % 4 === 2) {
        // a noise handshake's first message, then nothing
        socket.write(Buffer.concat([line("/multistream/1.0.0"), line("/noise"), Buffer.of(0, 32), random(32)]));
      }
    });
    socket.resume();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A libp2p node whose own limits do not matter: it only sends. */
async function attacker(seed: Uint8Array): Promise<Libp2pParts> {
  return startLibp2p(
    { seed, listen: [], transports: nodeTransports(), gossip: gossipService(), allowAll: true },
    { isReadHere: () => true },
  );
}

/** Whole handshakes with keys that nobody knows. */
async function handshakes(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const stranger = await attacker(random(32));
    for (const address of options.clients) {
      counts.handshakes++;
      await stranger.node.dial(parseAddress(address)!, { signal: AbortSignal.timeout(10_000) }).catch(() => counts.handshakesFailed++);
    }
    await stranger.node.stop();
    await sleep(50);
  }
}

/** A member: joined, listed by everyone, and bad. It stays one as long as its connection to the coordinator is not cut. */
async function join(): Promise<{ seed: Uint8Array; network: PeerNetwork }> {
  const identity = Identity.generate();
  const seed = identity.secrets().peerSeed;
  const network = await createNodeNetwork({ seed, listen: [] });
  const port = await connectTcpCoordinator({
    network,
    coordinator: options.coordinator,
    session: identity.session,
    grant: (runId) => identity.grant(runId, Date.now() + 3_600_000),
  });
  // on a machine that is busy with the run itself a connection may break before it has joined
  for (let attempt = 1; ; attempt++) {
    try {
      await port.join(identity.membership(), []);
      return { seed, network };
    } catch (error) {
      if (attempt === 5) throw error;
      process.stderr.write(`join: ${(error as Error).message}\n`);
      await sleep(1000);
    }
  }
}

interface RawGossip {
  streamsOutbound: Map<string, { pushPrefixed(frames: Uint8Array): void }>;
}

/** As gossipsub frames an RPC: its length as a varint, then itself. */
function framed(messages: object[]): Uint8Array {
  const rpc = RPC.encode({ subscriptions: [], messages } as Parameters<typeof RPC.encode>[0]);
  const prefix: number[] = [];
  for (let length = rpc.byteLength; ; length >>= 7) {
    prefix.push(length < 128 ? length : (length & 127) | 128);
    if (length < 128) break;
  }
  return Uint8Array.from([...prefix, ...rpc]);
}

/** One connection to one client, over which gossip is sent as fast as asked. */
class GossipFlood {
  readonly #node: Libp2pParts["node"];
  readonly #address: string;
  readonly #peer: string;
  /** made before the flood, and sent again and again: replayed, too */
  readonly #batches: Uint8Array[];
  #dialling = false;
  #next = 0;

  constructor(node: Libp2pParts["node"], address: string, publicKey: Uint8Array) {
    this.#node = node;
    this.#address = address;
    this.#peer = peerIdIn(parseAddress(address)!)!;
    // the author is the key behind this connection: the multihash "identity" of its protobuf
    const from = Uint8Array.of(0, 36, 8, 1, 18, 32, ...publicKey);
    const message = (more: object = {}): object => ({
      from,
      seqno: random(8),
      topic: options.topic,
      data: random(200),
      signature: random(64),
      ...more,
    });
    const kinds: (() => object[])[] = [
      () => [message()],
      () => [message({ signature: undefined })],
      () => [message({ topic: "starling/another-run" })],
      () => [message({ seqno: random(3) })],
    ];
    this.#batches = Array.from({ length: 20 }, (_, i) => {
      const frames = Array.from({ length: BATCH }, (_, n) =>
        framed(i === 0 && n === 0 ? [message({ data: new Uint8Array(70_000) })] : kinds[n % kinds.length]()),
      );
      return new Uint8Array(Buffer.concat(frames));
    });
  }

  /** `BATCH` messages. */
  send(): boolean {
    const { pubsub } = this.#node.services;
    const stream = (pubsub as unknown as RawGossip).streamsOutbound.get(this.#peer);
    if (stream === undefined) {
      void this.#dial();
      return false;
    }
    try {
      stream.pushPrefixed(this.#batches[this.#next % this.#batches.length]);
    } catch {
      return false; // hung up just now
    }
    // well signed nonsense, as fast as one can sign
    if (this.#next++ % 5 === 0) void pubsub!.publish(options.topic, random(100)).catch(() => {});
    return true;
  }

  async #dial(): Promise<void> {
    if (this.#dialling) return;
    this.#dialling = true;
    try {
      await this.#node.dial(parseAddress(this.#address)!, { signal: AbortSignal.timeout(15_000) });
      counts.memberConnections++;
    } catch {
      // refused: cut off for a while
    }
    await sleep(200);
    this.#dialling = false;
  }
}

/** Calls at the coordinator: a replayed one, one for another run, one with a wrong signature. */
async function callFlood(network: PeerNetwork, address: string): Promise<() => boolean> {
  const signer = generateKeypair(random(32));
  const seal = (runId: string): Promise<Uint8Array> =>
    sealRequest({ domain: CALL_DOMAIN, runId, signer, method: "leave", sequence: 1, timestampMs: Date.now(), body: Uint8Array.of(0xa0) });
  const replayed = await seal(options.runId);
  const misdirected = await seal("another-run");
  const forged = replayed.map((byte, i) => (i === 5 ? byte ^ 1 : byte));
  const peer = await network.connectAddress(address).catch(() => null);
  let next = 0;
  let underWay = 0;
  return () => {
    if (peer === null || underWay >= 32) return false;
    underWay++;
    counts.calls++;
    network
      .request(peer, CALL_PROTOCOL, [replayed, misdirected, forged][next++ % 3], { maxResponseBytes: 4096, timeoutMs: 5_000 })
      .then(
        () => counts.callsAnswered++,
        () => {},
      )
      .finally(() => underWay--);
    return true;
  };
}

const ended = new AbortController();
const strangers = new Strangers();
const bad = await join();
const member = await attacker(bad.seed);
const gossip = options.clients.map((address) => new GossipFlood(member.node, address, bad.network.self));
const stranger = await createNodeNetwork({ seed: random(32), listen: [] });
const calls = [await callFlood(bad.network, options.coordinator), await callFlood(stranger, options.coordinator)];
process.stdout.write(`${JSON.stringify({ type: "flooding", member: keyHex(bad.network.self) })}\n`);
for (const each of gossip) each.send();
await sleep(500);
void handshakes(ended.signal);
const endsMs = performance.now() + options.seconds * 1000;
let sentUntilMs = performance.now();
let sequence = 0;
while (performance.now() < endsMs) {
  strangers.fill(options.connections / 20);
  const nowMs = performance.now();
  // what is due since the last turn, at most a second of it
  const due = Math.round((Math.min(nowMs - sentUntilMs, 1000) / 1000) * options.messagesPerSecond);
  sentUntilMs = nowMs;
  for (let i = 0; i < due; i++) {
    sequence++;
    if (sequence % 10 === 0 && calls[(sequence / 10) % 2]()) continue;
    if (sequence % BATCH > 0) continue;
    if (sequence % (2 * BATCH) === 0 && gossip[(sequence / (2 * BATCH)) % gossip.length].send()) counts.gossipFrames += BATCH;
    else if (strangers.junk()) counts.junkFrames += BATCH;
  }
  await sleep(10);
}
counts.messagesTried = sequence;
ended.abort();
strangers.stop();
process.stdout.write(`${JSON.stringify({ type: "flooded", ...counts })}\n`);
process.exit(0);
