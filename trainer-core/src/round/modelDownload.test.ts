import { BlobService } from "@starling/network/blobs";
import { blobProtocol, BlobRequestKind, decodeBlobRequest } from "@starling/network/blobWire";
import type { BlobAddress } from "@starling/network/blobAddress";
import { MemoryHub } from "@starling/network/memoryHub";
import type { PeerNetwork } from "@starling/network/port";
import { seededRandom } from "@starling/network/random";
import { equalBytes, toHex } from "@starling/sdk/bytes";
import { systemClock } from "@starling/sdk/clock";
import { tileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bytesOfTensor, type ModelTensor } from "../checkpoint/modelTensors.ts";
import { merkleRoot, tensorLeaves } from "../compress/merkle.ts";
import type { ModelManifest } from "../protocol/messages.ts";
import type { TelemetryEvent } from "../telemetry/events.ts";
import { ModelDownload } from "./modelDownload.ts";
import type { ModelCache } from "./ports.ts";

/** A vector of many small tiles, and matrices of two and a half blob chunks. */
const tensors: ModelTensor[] = [
  { name: "a.bias", layout: tileLayout([640], 64) },
  { name: "b.weight", layout: tileLayout([1024, 640], 64) },
  { name: "c.weight", layout: tileLayout([640, 1024], 64) },
  { name: "d.weight", layout: tileLayout([1024, 640], 64) },
];
const random = seededRandom(3);
const values = tensors.map(({ layout }) => Float32Array.from({ length: layout.elements }, () => Math.fround(random() - 0.5)));
const leaves = tensorLeaves(
  tensors.map(({ layout }) => layout),
  values,
);
const hash = toHex(merkleRoot(leaves));

interface Provider {
  key: Uint8Array;
  blobs: BlobService;
  manifest: ModelManifest;
}

/** What a provider puts up instead of the model's own. */
interface Lie {
  tensor?: number;
  leaves?: boolean;
}

class World {
  readonly hub = new MemoryHub({ seed: 1, faults: { delayMs: [0, 1] } });
  readonly providers: Provider[] = [];
  readonly told: TelemetryEvent[] = [];
  /** chunks of blobs asked for, by provider in hex */
  readonly chunksAsked = new Map<string, number>();
  onChunk: (provider: Uint8Array) => void = () => {};
  readonly store: BlobService;

  /** `stallMs` short: a chunk that is slow is asked of another peer too, which makes counts uneven. */
  constructor(stallMs = 10_000) {
    const network = this.hub.join(new Uint8Array(32).fill(99), { allowAll: true });
    const request: PeerNetwork["request"] = (peer, protocol, bytes, options) => {
      if (protocol === blobProtocol && decodeBlobRequest(bytes).kind === BlobRequestKind.chunk) {
        this.chunksAsked.set(toHex(peer), (this.chunksAsked.get(toHex(peer)) ?? 0) + 1);
        this.onChunk(peer);
      }
      return network.request(peer, protocol, bytes, options);
    };
    const counting = new Proxy<PeerNetwork>(network, {
      get: (target, key) => {
        if (key === "request") return request;
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    this.store = new BlobService({ network: counting, stallMs });
  }

  async add(lie: Lie = {}): Promise<Provider> {
    const key = new Uint8Array(32).fill(this.providers.length + 1);
    const blobs = new BlobService({ network: this.hub.join(key, { allowAll: true }) });
    const put = (bytes: Uint8Array, isWrong: boolean): Promise<BlobAddress> => {
      const copy = bytes.slice();
      if (isWrong) copy[copy.length - 1] ^= 1;
      return blobs.put(copy);
    };
    const manifest: ModelManifest = { leaves: await put(leaves, lie.leaves === true), tensors: [] };
    for (const [i, { name }] of tensors.entries()) {
      manifest.tensors.push({ name, blob: await put(bytesOfTensor(values[i]), lie.tensor === i) });
    }
    const provider = { key, blobs, manifest };
    this.providers.push(provider);
    for (const network of this.hub.networks.values()) {
      network.setMembers([...this.hub.networks.values()].map(({ self }) => ({ peerId: self, multiaddrs: [] })));
    }
    return provider;
  }

  download(cache: ModelCache | null = null): ModelDownload {
    return new ModelDownload({
      hash,
      tensors,
      blobs: this.store,
      cache,
      clock: systemClock(),
      ask: async (peer) => this.providers.find(({ key }) => toHex(key) === toHex(peer))!.manifest,
      tell: (event) => this.told.push(event),
    });
  }

  async from(download: ModelDownload, providers: readonly Provider[]): Promise<void> {
    const keys = providers.map(({ key }) => key);
    const { tensors: addresses, leaves: leavesAt } = await download.from(keys, new AbortController().signal);
    // compared as bytes: matchers take their time over a million numbers
    expect(equalBytes(this.store.peek(leavesAt)!, leaves)).toBe(true);
    addresses.forEach((address, i) => expect(equalBytes(this.store.peek(address)!, bytesOfTensor(values[i]))).toBe(true));
  }

  rejections(): string[] {
    return this.told.flatMap((event) => (event.type === "rejected" ? [event.reason] : []));
  }

  get chunks(): number {
    return [...this.chunksAsked.values()].reduce((sum, count) => sum + count, 0);
  }

  stop(): void {
    for (const { blobs } of this.providers) blobs.stop();
    this.store.stop();
  }
}

/** Of one model: a chunk for the leaves, one for the vector, three a matrix. */
const allChunks = 1 + 1 + 3 * 3;

class MemoryCache implements ModelCache {
  readonly files = new Map<string, Uint8Array>();
  isFull = false;

  async load(of: string, index: number): Promise<Uint8Array | null> {
    return this.files.get(`${of}/${index}`) ?? null;
  }
  async save(of: string, index: number, bytes: Uint8Array): Promise<void> {
    if (this.isFull) throw new Error("ENOSPC: no space left on device");
    this.files.set(`${of}/${index}`, bytes.slice());
  }
  async clear(except: string | null): Promise<void> {
    for (const name of this.files.keys()) if (except === null || !name.startsWith(except)) this.files.delete(name);
  }
}

describe("a model from peers", () => {
  let world = new World();
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.stop());

  test("comes whole from any of them, with progress", async () => {
    const providers = [await world.add(), await world.add(), await world.add()];
    await world.from(world.download(), providers);
    expect(world.rejections()).toEqual([]);
    expect(world.told.find(({ type }) => type === "modelProgress")).toMatchObject({ providers: 3 });
  });

  test("one wrong tensor costs that tensor, and its peer is not asked again", async () => {
    const [liar, honest] = [await world.add({ tensor: 2 }), await world.add()];
    await world.from(world.download(), [liar, honest]);
    expect(world.rejections()).toEqual([expect.stringMatching(/^from 01010101: tensor 2 is not/)]);
    expect(world.store.has(liar.manifest.tensors[2].blob)).toBe(false);
    expect(world.chunks).toBe(allChunks + 3);
  });

  test("wrong leaves are seen before any tensor is fetched", async () => {
    const [liar, honest] = [await world.add({ leaves: true }), await world.add()];
    await world.from(world.download(), [liar, honest]);
    expect(world.rejections()).toEqual([expect.stringMatching(/^from 01010101: leaves/)]);
    expect(world.chunksAsked.get(toHex(liar.key))).toBe(1);
  });

  test("nobody but liars: an error, and nothing is kept of what they sent", async () => {
    const liars = [await world.add({ tensor: 0 }), await world.add({ tensor: 0 })];
    const download = world.download();
    await expect(world.from(download, liars)).rejects.toThrow(/no member is left that offers tensor 0/);
    download.abandon();
    expect(world.store.usedBytes).toBe(0);
  });

  test("a provider that dies half-way costs nothing that was verified", async () => {
    const [dying, honest] = [await world.add(), await world.add()];
    const download = world.download();
    world.onChunk = () => {
      if (world.chunks === 7) world.hub.kill(dying.key);
    };
    await expect(world.from(download, [dying])).rejects.toThrow();
    const before = world.chunks;
    world.onChunk = () => {};
    await world.from(download, [dying, honest]);
    // two requests are under way at one provider, of each of three tensors
    expect(world.chunksAsked.get(toHex(honest.key))!).toBeLessThan(allChunks);
    expect(world.chunks - before).toBeLessThan(allChunks);
  });

  test("a provider that says nothing any more is left for another", async () => {
    world = new World(1_000);
    const [silent, honest] = [await world.add(), await world.add()];
    world.hub.neverServe(silent.key, blobProtocol, "silent");
    await world.from(world.download(), [silent, honest]);
    expect(world.rejections()).toEqual([]);
  });

  test("a model of other tensors is refused at the manifest", async () => {
    const [other, honest] = [await world.add(), await world.add()];
    other.manifest.tensors[1] = { ...other.manifest.tensors[1], name: "b.bias" };
    await world.from(world.download(), [other, honest]);
    expect(world.rejections()).toEqual([expect.stringMatching(/another tensor than this run's b.weight/)]);
    expect(world.chunksAsked.has(toHex(other.key))).toBe(false);
  });

  test("after a restart the cache has what was verified; what is damaged there is fetched", async () => {
    const cache = new MemoryCache();
    const provider = await world.add();
    await world.from(world.download(cache), [provider]);
    expect(cache.files.size).toBe(tensors.length + 1);
    cache.files.get(`${hash}/3`)![0] ^= 1;
    for (const { blob } of provider.manifest.tensors) world.store.remove(blob);
    world.store.remove(provider.manifest.leaves);
    world.chunksAsked.clear();
    await world.from(world.download(cache), [provider]);
    expect(world.chunks).toBe(3);
  });

  test("a full disk is told once and costs nothing else", async () => {
    const cache = new MemoryCache();
    cache.isFull = true;
    await world.from(world.download(cache), [await world.add()]);
    expect(world.told.filter(({ type }) => type === "error")).toMatchObject([{ action: "model cache" }]);
  });

  test("abandoned, it ends at once and lets go of everything", async () => {
    const silent = await world.add();
    const download = world.download();
    world.onChunk = () => {
      if (world.chunks === 6) download.abandon();
    };
    await expect(world.from(download, [silent])).rejects.toMatchObject({ code: "aborted" });
    for (const { blob } of silent.manifest.tensors) expect(world.store.has(blob)).toBe(false);
  });
});
