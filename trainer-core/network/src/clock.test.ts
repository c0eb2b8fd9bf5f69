import { describe, expect, test } from "vitest";
import { BlobService } from "./blobs.ts";
import { blobProtocol } from "./blobWire.ts";
import { VirtualClock } from "./clock.ts";
import { generateKeypair } from "./keys.ts";
import { MemoryHub } from "./memoryHub.ts";
import { keyHex } from "./port.ts";

describe("the virtual clock", () => {
  test("fires by time, then by order, and runs reactions in between", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    clock.schedule(20, () => log.push(`d@${clock.now()}`));
    clock.schedule(10, () => {
      log.push("a");
      void Promise.resolve()
        .then(() => {})
        .then(() => log.push("reaction"));
      clock.schedule(0, () => log.push("c"));
    });
    clock.schedule(10, () => log.push("b"));
    clock.schedule(15, () => log.push("never"))();
    clock.schedule(99, () => log.push("late"));
    expect(await clock.run(50)).toBe(false);
    expect(log).toEqual(["a", "reaction", "b", "c", "d@20"]);
    expect(clock.now()).toBe(50);
    expect(await clock.run(1000, () => log.includes("late"))).toBe(true);
    expect(clock.now()).toBe(99);
  });
});

describe("the memory hub's faults", () => {
  /** Twenty peers gossip and fetch a blob under every fault; returns the whole history. */
  async function history(seed: number): Promise<string[]> {
    const clock = new VirtualClock();
    const faults = { delayMs: [1, 80] as [number, number], dropGossip: 0.2, duplicateGossip: 0.1, reorderGossip: 0.3 };
    const hub = new MemoryHub({ seed, scheduler: clock, faults });
    const networks = Array.from({ length: 20 }, (_, i) => hub.join(generateKeypair(new Uint8Array(32).fill(i + 1)).publicKey));
    const log: string[] = [];
    for (const [i, network] of networks.entries()) {
      network.setMembers(networks.map(({ self }) => ({ peerId: self, multiaddrs: [] })));
      network.subscribe("t", (from, [value]) => log.push(`${clock.now()} ${i} ${keyHex(from).slice(0, 4)} ${value}`));
    }
    for (const [i, network] of networks.entries()) clock.schedule(i, () => void network.publish("t", Uint8Array.of(i)));
    const [holder, silent, reader] = networks.map((network) => new BlobService({ network, stallMs: 1000, scheduler: clock }));
    const address = await holder.put(new Uint8Array(3000).fill(seed));
    await silent.put(new Uint8Array(3000).fill(seed));
    hub.neverServe(networks[1].self, "/starling/blob/1");
    void reader.get(address, [networks[1].self, networks[0].self]).then((got) => log.push(`${clock.now()} blob ${got.byteLength}`));
    await clock.run(10_000);
    return log;
  }

  test("one seed gives one history, another seed another", async () => {
    const first = await history(3);
    expect(await history(3)).toEqual(first);
    expect(await history(4)).not.toEqual(first);
    expect(first.some((line) => line.endsWith("blob 3000"))).toBe(true);
    // 380 deliveries, a fifth lost, a tenth of the rest doubled: 334 expected, five standard deviations are about 50.
    expect(first.length).toBeGreaterThan(284);
    expect(first.length).toBeLessThan(385);
  });

  test("a provider that does not answer holds nobody up for its whole stall time", async () => {
    const clock = new VirtualClock();
    const hub = new MemoryHub({ seed: 1, scheduler: clock });
    const networks = [1, 2, 3].map((i) => hub.join(generateKeypair(new Uint8Array(32).fill(i)).publicKey));
    for (const network of networks) network.setMembers(networks.map(({ self }) => ({ peerId: self, multiaddrs: [] })));
    const [silent, honest, asker] = networks.map((network) => new BlobService({ network, stallMs: 4_000, scheduler: clock }));
    const content = new Uint8Array(3000).fill(5);
    const address = await honest.put(content);
    await silent.put(content);
    hub.neverServe(networks[0].self, blobProtocol);
    let got: Uint8Array | null = null;
    void asker.get(address, [networks[0].self, networks[1].self]).then((bytes) => (got = bytes));
    expect(await clock.run(2_000, () => got !== null)).toBe(true);
    expect(got).toEqual(content);
    // the silent one's request was given up with the download, not left to its time-out
    expect(hub.calls.size).toBe(0);
  });

  test("a partition cuts and heals", async () => {
    const clock = new VirtualClock();
    const hub = new MemoryHub({ seed: 1, scheduler: clock });
    const [a, b] = [1, 2].map((i) => hub.join(generateKeypair(new Uint8Array(32).fill(i)).publicKey));
    for (const network of [a, b]) network.setMembers([a, b].map(({ self }) => ({ peerId: self, multiaddrs: [] })));
    b.handle("/test/echo/1", { maxRequestBytes: 1 }, async (_from, request) => request);
    const outcomes: string[] = [];
    const ask = (): void =>
      void a.request(b.self, "/test/echo/1", Uint8Array.of(1), { maxResponseBytes: 1 }).then(
        () => outcomes.push("answered"),
        (error: { code: string }) => outcomes.push(error.code),
      );
    ask();
    hub.partition([[a.self], [b.self]]);
    ask();
    await clock.run(100);
    expect(outcomes).toEqual(["unreachable", "unreachable"]);
    hub.heal();
    ask();
    await clock.run(200);
    expect(outcomes.at(-1)).toBe("answered");
  });
});
