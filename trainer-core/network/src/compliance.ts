import { afterEach, describe, expect, test } from "vitest";
import { blobCompliance } from "./complianceBlobs.ts";
import { generateKeypair } from "./keys.ts";
import { keyHex, maxGossipBytes, type PeerNetwork, type PeerTraffic } from "./port.ts";

/** How the suite makes peers of one adapter. */
export interface NetworkFactory {
  /** A running peer with the key of `seed`. */
  create(seed: Uint8Array, options: { allowAll?: boolean }): Promise<PeerNetwork>;
  /** Takes the peer away without a word, as far as the adapter can. */
  kill(network: PeerNetwork): Promise<void>;
  /** A peer that does not list us may look like one that is not there. */
  mayRefuseInSilence?: boolean;
  /** A writer is not held up by a reader that is slow; what the reader may buffer has its limit all the same. */
  hasNoBackpressure?: boolean;
}

export function seedOf(index: number): Uint8Array {
  return new Uint8Array(32).fill(index + 1);
}

export function memberOf(network: PeerNetwork): { peerId: Uint8Array; multiaddrs: string[] } {
  return { peerId: network.self, multiaddrs: network.multiaddrs() };
}

/** Polls until `condition` holds; the test's own time limit ends a wait in vain. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Peers of one test; all are stopped after it. */
export class Peers {
  readonly #factory: NetworkFactory;
  readonly #running = new Set<PeerNetwork>();

  constructor(factory: NetworkFactory) {
    this.#factory = factory;
  }

  async one(index: number, options: { allowAll?: boolean } = {}): Promise<PeerNetwork> {
    const network = await this.#factory.create(seedOf(index), options);
    this.#running.add(network);
    return network;
  }

  /** `count` members that list each other and are all connected. */
  async members(count: number): Promise<PeerNetwork[]> {
    const networks = await Promise.all(Array.from({ length: count }, (_, index) => this.one(index)));
    const members = networks.map(memberOf);
    for (const network of networks) network.setMembers(members);
    await eventually(() => networks.every((network) => network.connectedPeers().length === count - 1));
    return networks;
  }

  async kill(network: PeerNetwork): Promise<void> {
    this.#running.delete(network);
    await this.#factory.kill(network);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((network) => network.stop()));
    this.#running.clear();
  }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** What every adapter of the port must do. Call it inside a test file. */
export function networkCompliance(name: string, factory: NetworkFactory): void {
  describe(`${name}: the transport port`, () => {
    const peers = new Peers(factory);
    const refusal: unknown = factory.mayRefuseInSilence ? expect.stringMatching(/^(refused|unreachable)$/) : "refused";
    afterEach(() => peers.stopAll());

    test("self is the ed25519 key of the seed", async () => {
      const a = await peers.one(0);
      expect(a.self).toEqual(generateKeypair(seedOf(0)).publicKey);
    });

    test("gossip reaches every member with its author's key, and not the author", async () => {
      const networks = await peers.members(3);
      const heard = networks.map(() => new Set<string>());
      for (const [i, network] of networks.entries()) {
        network.subscribe("round", (from, data) => heard[i].add(`${keyHex(from)} ${data[0]}`));
      }
      // A first message may be sent before the others' subscriptions are known here: gossip is best effort.
      await eventually(async () => {
        for (const [i, network] of networks.entries()) await network.publish("round", bytes(i));
        return heard.every((set) => set.size === 2);
      });
      const said = networks.map((network, i) => `${keyHex(network.self)} ${i}`);
      for (const [i, set] of heard.entries()) expect([...set].sort()).toEqual(said.filter((_, j) => j !== i).sort());
    });

    test("gossip of someone we do not list is not delivered, whoever relays it", async () => {
      const [a, b, c] = await peers.members(3);
      a.setMembers([memberOf(b)]);
      const atA = new Set<string>();
      const atB = new Set<string>();
      a.subscribe("round", (from) => atA.add(keyHex(from)));
      b.subscribe("round", (from) => atB.add(keyHex(from)));
      // b hears c and would pass it on; a goes on hearing b.
      await eventually(async () => {
        await c.publish("round", bytes(1));
        await b.publish("round", bytes(2));
        return atB.size === 1 && atA.size > 0;
      });
      for (let i = 0; i < 5; i++) await c.publish("round", bytes(3, i));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([...atA]).toEqual([keyHex(b.self)]);
    });

    test("an unsubscribed handler hears nothing more", async () => {
      const [a, b] = await peers.members(2);
      let dropped = 0;
      let kept = 0;
      const undo = b.subscribe("round", () => dropped++);
      b.subscribe("round", () => kept++);
      await eventually(async () => {
        await a.publish("round", bytes(1));
        return dropped > 0;
      });
      undo();
      const droppedBefore = dropped;
      const keptBefore = kept;
      await a.publish("round", bytes(2));
      await eventually(() => kept > keptBefore);
      expect(dropped).toBe(droppedBefore);
    });

    test("a gossip message over the limit is refused before it is sent", async () => {
      const [a] = await peers.members(2);
      await expect(a.publish("round", new Uint8Array(maxGossipBytes + 1))).rejects.toMatchObject({ code: "too-large" });
    });

    test("requests are answered both ways, with the asker's key", async () => {
      const [a, b] = await peers.members(2);
      const echo = async (from: Uint8Array, request: Uint8Array): Promise<Uint8Array> => Uint8Array.from([...from, ...request]);
      a.handle("/test/echo/1", { maxRequestBytes: 8 }, echo);
      b.handle("/test/echo/1", { maxRequestBytes: 8 }, echo);
      const options = { maxResponseBytes: 64 };
      expect(await a.request(b.self, "/test/echo/1", bytes(1, 2), options)).toEqual(bytes(...a.self, 1, 2));
      expect(await b.request(a.self, "/test/echo/1", bytes(), options)).toEqual(bytes(...b.self));
    });

    test("traffic names the connected peers and counts what went both ways", async () => {
      const [a, b, c] = await peers.members(3);
      const ofPeer = (at: PeerNetwork, peer: PeerNetwork): PeerTraffic =>
        at.traffic().find((entry) => keyHex(entry.peer) === keyHex(peer.self))!;
      expect(
        a
          .traffic()
          .map(({ peer }) => keyHex(peer))
          .sort(),
      ).toEqual([b, c].map((peer) => keyHex(peer.self)).sort());
      const before = { a: ofPeer(a, b), b: ofPeer(b, a), c: ofPeer(a, c) };
      b.handle("/test/count/1", { maxRequestBytes: 100_000 }, async () => new Uint8Array(300_000));
      await a.request(b.self, "/test/count/1", new Uint8Array(100_000), { maxResponseBytes: 300_000 });
      // Framing and encryption come on top; what is under way to or from others does not count.
      const between = (value: number, low: number): void => {
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThan(1.2 * low);
      };
      between(ofPeer(a, b).sentBytes - before.a.sentBytes, 100_000);
      between(ofPeer(a, b).receivedBytes - before.a.receivedBytes, 300_000);
      between(ofPeer(b, a).sentBytes - before.b.sentBytes, 300_000);
      between(ofPeer(b, a).receivedBytes - before.b.receivedBytes, 100_000);
      expect(ofPeer(a, c).receivedBytes - before.c.receivedBytes).toBeLessThan(50_000);
      await peers.kill(c);
      await eventually(() => a.traffic().length === 1);
      for (const { rttMs } of a.traffic()) expect(rttMs ?? 0).toBeGreaterThanOrEqual(0);
    });

    test("many requests at once are all answered", async () => {
      const [a, b] = await peers.members(2);
      b.handle("/test/double/1", { maxRequestBytes: 1 }, async (_from, [value]) => bytes(2 * value));
      const asked = Array.from({ length: 120 }, (_, i) => a.request(b.self, "/test/double/1", bytes(i), { maxResponseBytes: 1 }));
      expect((await Promise.all(asked)).map(([value]) => value)).toEqual(asked.map((_, i) => 2 * i));
    });

    test("a multi-megabyte request and answer arrive whole", async () => {
      const [a, b] = await peers.members(2);
      const size = 3_000_001;
      const sent = Uint8Array.from({ length: size }, (_, i) => i * 31 + (i >> 9));
      b.handle("/test/flip/1", { maxRequestBytes: size, maxResponseBytes: size }, async (_from, request) =>
        request.map((value) => value ^ 255),
      );
      const received = await a.request(b.self, "/test/flip/1", sent, { maxResponseBytes: size });
      expect(received.every((value, i) => value === (sent[i] ^ 255))).toBe(true);
      expect(received.byteLength).toBe(size);
    });

    test("limits on requests and answers hold on both sides", async () => {
      const [a, b] = await peers.members(2);
      let calls = 0;
      b.handle("/test/big/1", { maxRequestBytes: 100, maxResponseBytes: 50 }, async (_from, request) => {
        calls++;
        return new Uint8Array(request.byteLength);
      });
      const ask = (size: number, maxResponseBytes: number): Promise<Uint8Array> =>
        a.request(b.self, "/test/big/1", new Uint8Array(size), { maxResponseBytes });
      expect((await ask(50, 50)).byteLength).toBe(50);
      await expect(ask(50, 49)).rejects.toMatchObject({ code: "too-large" });
      await expect(ask(51, 100)).rejects.toMatchObject({ code: "remote-error" });
      expect(calls).toBe(3);
      await expect(ask(101, 100)).rejects.toMatchObject({ code: "too-large" });
      await expect(ask(4_000_000, 100)).rejects.toMatchObject({ code: "too-large" });
      expect(calls).toBe(3);
      expect((await ask(1, 1)).byteLength).toBe(1);
    });

    test("a failing handler, a missing one and a silent one are told apart", async () => {
      const [a, b] = await peers.members(2);
      const options = { maxResponseBytes: 10 };
      b.handle("/test/fails/1", { maxRequestBytes: 10 }, async () => {
        throw new Error("the disk is full");
      });
      const fails = a.request(b.self, "/test/fails/1", bytes(), options);
      await expect(fails).rejects.toMatchObject({ code: "remote-error", message: expect.stringContaining("the disk is full") });
      await expect(a.request(b.self, "/test/nothing/1", bytes(), options)).rejects.toMatchObject({ code: "refused" });
      b.handle("/test/silent/1", { maxRequestBytes: 10 }, () => new Promise(() => {}));
      for (const limit of [{ timeoutMs: 150 }, { idleTimeoutMs: 150 }]) {
        await expect(a.request(b.self, "/test/silent/1", bytes(), { ...options, ...limit })).rejects.toMatchObject({ code: "timeout" });
      }
    });

    test("an abort ends the request here and the handler's signal there", async () => {
      const [a, b] = await peers.members(2);
      const started = Promise.withResolvers<void>();
      const stopped = Promise.withResolvers<void>();
      b.handle("/test/slow/1", { maxRequestBytes: 0 }, (_from, _request, signal) => {
        signal.addEventListener("abort", () => stopped.resolve());
        started.resolve();
        return new Promise(() => {});
      });
      const controller = new AbortController();
      const asked = a.request(b.self, "/test/slow/1", bytes(), { maxResponseBytes: 0, signal: controller.signal });
      const failed = expect(asked).rejects.toMatchObject({ code: "aborted" });
      await started.promise;
      controller.abort();
      await failed;
      await stopped.promise;
      const dead = a.request(b.self, "/test/slow/1", bytes(), { maxResponseBytes: 0, signal: controller.signal });
      await expect(dead).rejects.toMatchObject({ code: "aborted" });
    });

    test("strangers are refused, whichever side does not list the other", async () => {
      const [a] = await peers.members(2);
      const stranger = await peers.one(9);
      const options = { maxResponseBytes: 10 };
      a.handle("/test/echo/1", { maxRequestBytes: 10 }, async (_from, request) => request);
      await expect(a.request(stranger.self, "/test/echo/1", bytes(), options)).rejects.toMatchObject({ code: "not-a-member" });
      await expect(a.connect(stranger.self)).rejects.toMatchObject({ code: "not-a-member" });
      stranger.setMembers([memberOf(a)]);
      await expect(stranger.connect(a.self)).rejects.toMatchObject({ code: refusal });
      await expect(stranger.request(a.self, "/test/echo/1", bytes(), options)).rejects.toMatchObject({
        code: expect.stringMatching(/refused|unreachable/),
      });
      expect(a.connectedPeers().map(keyHex)).not.toContain(keyHex(stranger.self));
    });

    test("a peer that nobody can reach is unreachable", async () => {
      const a = await peers.one(0);
      const nobody = generateKeypair(seedOf(7)).publicKey;
      a.setMembers([{ peerId: nobody, multiaddrs: [] }]);
      await expect(a.connect(nobody)).rejects.toMatchObject({ code: "unreachable" });
    });

    test("a revoked member is hung up and can come back when listed again", async () => {
      const [a, b, c] = await peers.members(3);
      const all = [a, b, c].map(memberOf);
      a.setMembers([memberOf(a), memberOf(b)]);
      await eventually(() => c.connectedPeers().length === 1 && a.connectedPeers().length === 1);
      expect(a.connectedPeers().map(keyHex)).toEqual([keyHex(b.self)]);
      await expect(c.connect(a.self)).rejects.toMatchObject({ code: refusal });
      a.setMembers(all);
      await eventually(() => a.connectedPeers().length === 2 && c.connectedPeers().length === 2);
      await c.connect(a.self);
    });

    test("a coordinator takes anyone, and a client finds it by address and keeps it when its members change", async () => {
      const coordinator = await peers.one(0, { allowAll: true });
      const client = await peers.one(1);
      coordinator.handle("/test/join/1", { maxRequestBytes: 10 }, async (from) => from);
      const key = await client.connectAddress(coordinator.multiaddrs()[0]);
      expect(key).toEqual(coordinator.self);
      expect(await client.request(key, "/test/join/1", bytes(), { maxResponseBytes: 32 })).toEqual(client.self);
      client.setMembers([]);
      expect(await client.request(key, "/test/join/1", bytes(), { maxResponseBytes: 32 })).toEqual(client.self);
      client.unpin(key);
      await expect(client.connect(key)).rejects.toMatchObject({ code: "not-a-member" });
      await eventually(() => coordinator.connectedPeers().length === 0);
      const nobody = await peers.one(2);
      const [address] = nobody.multiaddrs();
      await peers.kill(nobody);
      await expect(client.connectAddress(address)).rejects.toMatchObject({ code: "unreachable" });
      await expect(client.connect(nobody.self)).rejects.toMatchObject({ code: "not-a-member" });
      await expect(client.connectAddress("not an address")).rejects.toMatchObject({ code: "malformed" });
    });

    test.skipIf(factory.hasNoBackpressure)("a subscription pushes frames in order, with backpressure, and ends cleanly", async () => {
      const [a, b] = await peers.members(2);
      let pushed = 0;
      b.handleSubscription("/test/count/1", { maxRequestBytes: 1 }, async (from, [count], push) => {
        expect(from).toEqual(a.self);
        for (let i = 0; i < count; i++) {
          const frame = new Uint8Array(100_000);
          frame[0] = i;
          await push(frame);
          pushed++;
        }
      });
      const seen: number[] = [];
      const first = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const subscription = a.subscribeTo(
        b.self,
        "/test/count/1",
        bytes(100),
        async (frame) => {
          expect(frame.byteLength).toBe(100_000);
          seen.push(frame[0]);
          first.resolve();
          await gate.promise;
        },
        { maxFrameBytes: 100_000 },
      );
      await first.promise;
      await new Promise((resolve) => setTimeout(resolve, 200));
      // A reader that takes nothing stops the writer: 10 MB do not fit into the buffers between them.
      expect(pushed).toBeLessThan(100);
      gate.resolve();
      await subscription;
      expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
    });

    test("a subscription ends on abort, on too large a frame, on a failing handler and on a hang-up", async () => {
      const [a, b] = await peers.members(2);
      const stopped = Promise.withResolvers<void>();
      b.handleSubscription("/test/wait/1", { maxRequestBytes: 1 }, async (_from, _request, push, signal) => {
        signal.addEventListener("abort", () => stopped.resolve());
        await push(bytes(1, 2, 3));
        await new Promise(() => {});
      });
      b.handleSubscription("/test/fails/1", { maxRequestBytes: 1 }, async () => {
        throw new Error("no such run");
      });
      const controller = new AbortController();
      const subscribe = (protocol: string, maxFrameBytes: number, onFrame = (): void => {}): Promise<void> =>
        a.subscribeTo(b.self, protocol, bytes(), onFrame, { maxFrameBytes, signal: controller.signal });
      await expect(subscribe("/test/wait/1", 2)).rejects.toMatchObject({ code: "too-large" });
      await expect(subscribe("/test/fails/1", 2)).rejects.toMatchObject({
        code: "remote-error",
        message: expect.stringContaining("no such run"),
      });
      await expect(subscribe("/test/wait/1", 3, () => controller.abort())).rejects.toMatchObject({ code: "aborted" });
      await stopped.promise;
      const open = Promise.withResolvers<void>();
      const hungUp = a.subscribeTo(b.self, "/test/wait/1", bytes(), () => open.resolve(), { maxFrameBytes: 3 });
      const failed = expect(hungUp).rejects.toMatchObject({ code: "unreachable" });
      await open.promise;
      b.setMembers([]);
      await failed;
    });

    test("members reconnect after one of them was gone", async () => {
      const [a, b] = await peers.members(2);
      await peers.kill(b);
      await eventually(() => a.connectedPeers().length === 0);
      const again = await peers.one(1);
      again.setMembers([memberOf(a)]);
      a.setMembers([memberOf(again)]);
      await eventually(() => a.connectedPeers().length === 1 && again.connectedPeers().length === 1);
      await a.connect(again.self);
    });

    test("a stopped network says so", async () => {
      const [a, b] = await peers.members(2);
      await a.stop();
      await a.stop();
      await expect(a.publish("round", bytes())).rejects.toMatchObject({ code: "stopped" });
      await expect(a.request(b.self, "/test/echo/1", bytes(), { maxResponseBytes: 1 })).rejects.toMatchObject({ code: "stopped" });
    });
  });

  blobCompliance(name, factory);
}
