import { afterEach, describe, expect, test } from "vitest";
import { blobAddressOf, chunkAt, chunkBytes, chunkHashes } from "./blobAddress.ts";
import { BlobService } from "./blobs.ts";
import { blobProtocol, BlobRequestKind, decodeBlobRequest, encodeBlobAnswer } from "./blobWire.ts";
import { type NetworkFactory, Peers } from "./compliance.ts";
import { equalBytes } from "./hash.ts";
import type { PeerNetwork } from "./port.ts";
import { seededRandom } from "./random.ts";

/** 3.5 chunks. */
const largeBytes = 3 * chunkBytes + chunkBytes / 2;

function randomBytes(seed: number, size: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random() * 256);
}

/** A provider whose every answer the test decides. Returns what it was asked, "list" or a chunk's index. */
function provide(
  network: PeerNetwork,
  content: Uint8Array,
  chunk: (index: number) => Uint8Array | Promise<Uint8Array>,
): (number | "list")[] {
  const asked: (number | "list")[] = [];
  network.handle(blobProtocol, { maxRequestBytes: 45 }, async (_from, request) => {
    const { kind, index } = decodeBlobRequest(request);
    asked.push(kind === BlobRequestKind.list ? "list" : index);
    if (kind === BlobRequestKind.chunk) return encodeBlobAnswer(await chunk(index));
    const hashes = await chunkHashes(content);
    return encodeBlobAnswer(Uint8Array.from(hashes.flatMap((hash) => [...hash])));
  });
  return asked;
}

export function blobCompliance(name: string, factory: NetworkFactory): void {
  describe(`${name}: blobs`, () => {
    const peers = new Peers(factory);
    afterEach(() => peers.stopAll());
    const never = new Promise<Uint8Array>(() => {});

    test("a small blob takes one round trip and is then served by its receiver", async () => {
      const [a, b, c] = await peers.members(3);
      const content = randomBytes(1, 1000);
      const asked = provide(a, content, (index) => chunkAt(content, index));
      const atB = new BlobService({ network: b });
      const atC = new BlobService({ network: c });
      const address = await blobAddressOf(content);
      expect(await atB.get(address, [a.self])).toEqual(content);
      expect(asked).toEqual([0]);
      expect(await atC.get(address, [b.self])).toEqual(content);
      expect(await atC.get(address, [])).toEqual(content);
      expect(asked).toEqual([0]);
    });

    test("an empty blob, one of a whole chunk and one of 3.5 chunks arrive from several providers", async () => {
      const [a, b, c] = await peers.members(3);
      const [atA, atB, atC] = [a, b, c].map((network) => new BlobService({ network }));
      for (const size of [0, chunkBytes, largeBytes]) {
        const content = randomBytes(size, size);
        const address = await atA.put(content);
        expect(await atB.put(content.slice())).toEqual(address);
        const progress: number[] = [];
        const got = await atC.get(address, [a.self, b.self, c.self], { onProgress: (bytes) => progress.push(bytes) });
        expect(equalBytes(got, content)).toBe(true);
        expect(progress.at(-1)).toBe(size);
        expect(atC.has(address)).toBe(true);
        atC.remove(address);
        expect(atC.has(address)).toBe(false);
      }
      expect(atC.usedBytes).toBe(0);
    });

    test("two gets of one blob at once share the work", async () => {
      const [a, b] = await peers.members(2);
      const content = randomBytes(2, largeBytes);
      const asked = provide(a, content, (index) => chunkAt(content, index));
      const atB = new BlobService({ network: b });
      const address = await blobAddressOf(content);
      const both = await Promise.all([atB.get(address, [a.self]), atB.get(address, [a.self])]);
      for (const got of both) expect(equalBytes(got, content)).toBe(true);
      expect(asked.filter((index) => index !== "list").sort()).toEqual([0, 1, 2, 3]);
    });

    test("a dying provider is replaced, and no verified chunk is fetched again", async () => {
      const [a, b, c] = await peers.members(3);
      const content = randomBytes(3, largeBytes);
      const address = await blobAddressOf(content);
      const served = provide(a, content, (index) => {
        if (index < 2) return chunkAt(content, index);
        setTimeout(() => void peers.kill(a), 50);
        return never;
      });
      const atC = new BlobService({ network: c });
      const verified: number[] = [];
      const interrupted = atC.get(address, [a.self], { onProgress: (bytes) => verified.push(bytes) });
      await expect(interrupted).rejects.toMatchObject({ code: "unreachable" });
      expect(verified).toEqual([chunkBytes, 2 * chunkBytes]);
      expect(served).toContain(2);
      const asked = provide(b, content, (index) => chunkAt(content, index));
      expect(equalBytes(await atC.get(address, [a.self, b.self]), content)).toBe(true);
      expect(asked.sort()).toEqual([2, 3]);
    });

    test("a liar is left for an honest provider, and alone it is named", async () => {
      const [liar, honest, c] = await peers.members(3);
      const content = randomBytes(4, largeBytes);
      const lies = provide(liar, content, (index) => chunkAt(content, index).map((value) => value ^ 1));
      const asked = provide(honest, content, (index) => chunkAt(content, index));
      const atC = new BlobService({ network: c });
      const address = await blobAddressOf(content);
      await expect(atC.get(address, [liar.self])).rejects.toMatchObject({ code: "wrong-chunk" });
      lies.length = 0;
      expect(equalBytes(await atC.get(address, [liar.self, honest.self]), content)).toBe(true);
      // At most its two parallel requests, then it is out; the two of the first get may be answered this late.
      expect(lies.filter((index) => index !== "list").length).toBeLessThanOrEqual(4);
      expect(asked.filter((index) => index !== "list").sort()).toEqual([0, 1, 2, 3]);
    });

    test("a forged list of hashes, a short chunk and a forged size are found", async () => {
      const [liar, honest, c] = await peers.members(3);
      const content = randomBytes(5, 2 * chunkBytes);
      const address = await blobAddressOf(content);
      provide(liar, randomBytes(6, 2 * chunkBytes), (index) => chunkAt(content, index));
      const atC = new BlobService({ network: c });
      await expect(atC.get(address, [liar.self])).rejects.toMatchObject({ code: "wrong-chunk" });
      provide(honest, content, (index) => chunkAt(content, index).subarray(1));
      await expect(atC.get(address, [honest.self])).rejects.toMatchObject({ code: "wrong-chunk" });
      await expect(atC.get({ root: address.root, sizeBytes: 10 }, [honest.self])).rejects.toMatchObject({ code: "wrong-chunk" });
    });

    test("a silent provider costs the stall timer, then the next one serves", async () => {
      const [silent, honest, c] = await peers.members(3);
      const content = randomBytes(7, 5000);
      provide(silent, content, () => never);
      const atHonest = new BlobService({ network: honest });
      const atC = new BlobService({ network: c, stallMs: 300 });
      const address = await atHonest.put(content);
      await expect(atC.get(address, [silent.self])).rejects.toMatchObject({ code: "stalled" });
      expect(equalBytes(await atC.get(address, [silent.self, honest.self]), content)).toBe(true);
    });

    test("what cannot be had is refused with its reason", async () => {
      const [a, b] = await peers.members(2);
      const atA = new BlobService({ network: a });
      const atB = new BlobService({ network: b, capacityBytes: 2000 });
      const address = await atA.put(randomBytes(8, 1500));
      await expect(atB.get(address, [])).rejects.toMatchObject({ code: "no-providers" });
      await expect(atB.get(address, [b.self])).rejects.toMatchObject({ code: "no-providers" });
      await expect(atB.get(address, [a.self], { maxBytes: 1499 })).rejects.toMatchObject({ code: "too-large" });
      await expect(atB.get({ root: new Uint8Array(32), sizeBytes: 5 }, [a.self])).rejects.toMatchObject({ code: "not-found" });
      await expect(atB.get(address, [a.self], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
      expect(atB.usedBytes).toBe(0);
      expect((await atB.get(address, [a.self])).byteLength).toBe(1500);
      expect(atB.usedBytes).toBe(1500);
      await expect(atB.put(new Uint8Array(501))).rejects.toMatchObject({ code: "too-large" });
      const other = await atA.put(randomBytes(9, 1500));
      await expect(atB.get(other, [a.self])).rejects.toMatchObject({ code: "too-large" });
      expect((await atB.get(address, [a.self], { keep: false })).byteLength).toBe(1500);
      atB.remove(address);
      expect((await atB.get(other, [a.self], { keep: false })).byteLength).toBe(1500);
      expect(atB.usedBytes).toBe(0);
    });

    test("an abort in the middle leaves the verified chunks", async () => {
      const [a, b] = await peers.members(2);
      const content = randomBytes(10, largeBytes);
      const address = await blobAddressOf(content);
      let isHolding = true;
      const asked = provide(a, content, (index) => (isHolding && index > 0 ? never : chunkAt(content, index)));
      const atB = new BlobService({ network: b });
      const controller = new AbortController();
      const options = { signal: controller.signal, onProgress: () => controller.abort() };
      await expect(atB.get(address, [a.self], options)).rejects.toMatchObject({ code: "aborted" });
      isHolding = false;
      const before = asked.length;
      expect(equalBytes(await atB.get(address, [a.self]), content)).toBe(true);
      expect(asked.slice(before).sort()).toEqual([1, 2, 3]);
    });
  });
}
