import { generateKeypair, MemoryHub } from "@starling/network";
import { describe, expect, it } from "vitest";
import { faultyNetwork, type NetworkFaults } from "./faultyNetwork.ts";

const MESSAGES = 400;

async function pair(faults: NetworkFaults) {
  const hub = new MemoryHub({ seed: 1, faults: { delayMs: [0, 0] } });
  const keys = [generateKeypair().publicKey, generateKeypair().publicKey];
  const [a, b] = keys.map((key) => hub.join(key));
  for (const network of [a, b]) network.setMembers(keys.map((peerId) => ({ peerId, multiaddrs: [] })));
  await a.connect(b.self);
  return { a: faultyNetwork(a, faults), plain: a, b };
}

describe("faultyNetwork", () => {
  it("is the network itself without faults", async () => {
    const { a, plain } = await pair({ latencyMs: undefined, loss: 0, seed: 0 });
    expect(a).toBe(plain);
  });

  it("loses the asked share of gossip, the same messages for the same seed, and no request", async () => {
    const heard = async (seed: number) => {
      const { a, b } = await pair({ latencyMs: undefined, loss: 0.25, seed });
      const got: number[] = [];
      b.subscribe("t", (_, data) => got.push(data[0] * 256 + data[1]));
      for (let i = 0; i < MESSAGES; i++) await a.publish("t", Uint8Array.of(i >> 8, i & 255));
      b.handle("/echo", { maxRequestBytes: 8 }, async (_, request) => request);
      for (let i = 0; i < 20; i++) await a.request(b.self, "/echo", Uint8Array.of(i), { maxResponseBytes: 8 });
      return got.sort((x, y) => x - y);
    };
    const first = await heard(5);
    expect(first.length).toBeGreaterThan(MESSAGES * 0.65);
    expect(first.length).toBeLessThan(MESSAGES * 0.85);
    expect(await heard(5)).toEqual(first);
    expect(await heard(6)).not.toEqual(first);
  });

  it("delays requests by BASE and up to JITTER", async () => {
    const { a, b } = await pair({ latencyMs: "60-20", loss: 0, seed: 1 });
    b.handle("/echo", { maxRequestBytes: 8 }, async (_, request) => request);
    const startedMs = performance.now();
    await a.request(b.self, "/echo", Uint8Array.of(1), { maxResponseBytes: 8 });
    expect(performance.now() - startedMs).toBeGreaterThan(59);
  });
});
