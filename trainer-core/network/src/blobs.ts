import { addressName, type BlobAddress, chunkAt, chunkBytes, chunkHashes } from "./blobAddress.ts";
import { download, PartialBlob } from "./blobDownload.ts";
import { blobProtocol, blobRequestBytes, BlobRequestKind, decodeBlobRequest, encodeBlobAnswer, encodeBlobNotFound } from "./blobWire.ts";
import { realScheduler, type Scheduler } from "./clock.ts";
import { BlobError } from "./errors.ts";
import { Gate } from "./gate.ts";
import { merkleRoot } from "./hash.ts";
import { streamLimits } from "./limits.ts";
import { keyHex, type PeerKey, type PeerNetwork } from "./port.ts";

export interface BlobServiceOptions {
  network: PeerNetwork;
  /** Most bytes held: complete blobs and unfinished ones. Default 512 MiB. */
  capacityBytes?: number;
  /** A provider that sends no byte for this long is left for the next. Default 5 000. */
  stallMs?: number;
  /** Real time by default. */
  scheduler?: Scheduler;
}

export interface BlobGetOptions {
  signal?: AbortSignal;
  onProgress?: (verifiedBytes: number, sizeBytes: number) => void;
  /** Refuses a larger blob before asking anyone. Default: the capacity. */
  maxBytes?: number;
  /** Keep the blob and serve it to others. Default true. */
  keep?: boolean;
}

interface StoredBlob {
  bytes: Uint8Array;
  hashes: Uint8Array[];
}

/** Holds, serves and fetches blobs by content address. Every byte that `get` returns was verified. */
export class BlobService {
  readonly #network: PeerNetwork;
  readonly #capacityBytes: number;
  readonly #stallMs: number;
  readonly #scheduler: Scheduler;
  readonly #stored = new Map<string, StoredBlob>();
  /** In order of first request: the oldest idle one gives way when room is needed. */
  readonly #partials = new Map<string, PartialBlob>();
  readonly #unhandle: () => void;
  readonly #serving = new Gate(streamLimits.servedChunks.value, streamLimits.servedChunksPerPeer.value);
  #usedBytes = 0;

  constructor(options: BlobServiceOptions) {
    this.#network = options.network;
    this.#capacityBytes = options.capacityBytes ?? 512 * 1024 * 1024;
    this.#stallMs = options.stallMs ?? 5_000;
    this.#scheduler = options.scheduler ?? realScheduler();
    const limits = {
      maxRequestBytes: blobRequestBytes,
      maxResponseBytes: Math.max(1 + chunkBytes, (this.#capacityBytes / chunkBytes) * 32 + 33),
    };
    this.#unhandle = this.#network.handle(blobProtocol, limits, (from, request, signal) => this.#serveInTurn(from, request, signal));
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Keeps `bytes` without copying them (do not write to them again) and serves them until `remove`. */
  async put(bytes: Uint8Array): Promise<BlobAddress> {
    const hashes = await chunkHashes(bytes);
    const address = { root: merkleRoot(hashes), sizeBytes: bytes.byteLength };
    const name = addressName(address);
    if (!this.#stored.has(name)) {
      this.#dropPartial(name);
      this.#reserve(bytes.byteLength);
      this.#stored.set(name, { bytes, hashes });
    }
    return address;
  }

  has(address: BlobAddress): boolean {
    return this.#stored.has(addressName(address));
  }

  /** The blob if we hold it whole. Read-only. */
  peek(address: BlobAddress): Uint8Array | undefined {
    return this.#stored.get(addressName(address))?.bytes;
  }

  /** Forgets the blob, or what there is of it. */
  remove(address: BlobAddress): void {
    const name = addressName(address);
    if (this.#stored.delete(name)) this.#usedBytes -= address.sizeBytes;
    this.#dropPartial(name);
  }

  /**
   * The blob's bytes (read-only), from here or from `providers`, asked in their order and together. Takes up what an
   * earlier, interrupted `get` had verified; what this one verifies stays until `remove`, or until room is needed.
   * @throws BlobError
   */
  async get(address: BlobAddress, providers: readonly PeerKey[], options: BlobGetOptions = {}): Promise<Uint8Array> {
    checkAddress(address);
    const name = addressName(address);
    const stored = this.#stored.get(name);
    if (stored !== undefined) return stored.bytes;
    const maxBytes = Math.min(options.maxBytes ?? this.#capacityBytes, this.#capacityBytes);
    if (address.sizeBytes > maxBytes) {
      throw new BlobError("too-large", `blob ${name.slice(0, 12)} has ${address.sizeBytes} bytes, the limit is ${maxBytes}`);
    }
    const signal = options.signal ?? new AbortController().signal;
    if (signal.aborted) {
      throw new BlobError("aborted", `download of blob ${name.slice(0, 12)} was aborted by the caller`, { cause: signal.reason });
    }
    let partial = this.#partials.get(name);
    if (partial === undefined) {
      this.#dropIdlePartials();
      this.#reserve(address.sizeBytes);
      partial = new PartialBlob({ root: address.root.slice(), sizeBytes: address.sizeBytes });
      this.#partials.set(name, partial);
    }
    partial.users++;
    try {
      const distinct = [...new Map(providers.map((key) => [keyHex(key), key])).values()];
      await download({
        network: this.#network,
        partial,
        providers: distinct,
        stallMs: this.#stallMs,
        scheduler: this.#scheduler,
        signal,
        onProgress: options.onProgress,
      });
    } finally {
      partial.users--;
      if (partial.verifiedBytes === 0 && partial.missingChunks > 0 && partial.users === 0) this.#dropPartial(name, partial);
    }
    // Another get of the same blob may have stored it, or remove() may have forgotten it meanwhile.
    if (this.#partials.get(name) === partial && (options.keep ?? true)) {
      this.#partials.delete(name);
      this.#stored.set(name, { bytes: partial.bytes, hashes: partial.hashes! });
    } else if (partial.users === 0) {
      this.#dropPartial(name, partial);
    }
    return partial.bytes;
  }

  /** Stops serving and forgets everything. */
  stop(): void {
    this.#unhandle();
    this.#stored.clear();
    this.#partials.clear();
    this.#usedBytes = 0;
  }

  /** A large answer holds a slot until the asker has taken it, or is gone: the copies under way are bounded, and peers are served in turn. */
  async #serveInTurn(from: PeerKey, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if (decodeBlobRequest(request).address.sizeBytes <= streamLimits.smallAnswerBytes.value) return this.#serve(request);
    const leave = await this.#serving.enter(signal, keyHex(from));
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    return this.#serve(request);
  }

  #serve(request: Uint8Array): Uint8Array {
    const { kind, address, index } = decodeBlobRequest(request);
    const blob = this.#stored.get(addressName(address));
    if (blob === undefined || index >= blob.hashes.length) return encodeBlobNotFound();
    if (kind === BlobRequestKind.chunk) return encodeBlobAnswer(chunkAt(blob.bytes, index));
    const list = new Uint8Array(blob.hashes.length * 32);
    for (const [i, hash] of blob.hashes.entries()) list.set(hash, i * 32);
    return encodeBlobAnswer(list);
  }

  #reserve(bytes: number): void {
    for (const [name, partial] of this.#partials) {
      if (this.#usedBytes + bytes <= this.#capacityBytes) break;
      if (partial.users === 0) this.#dropPartial(name, partial);
    }
    if (this.#usedBytes + bytes > this.#capacityBytes) {
      throw new BlobError(
        "too-large",
        `${bytes} bytes do not fit: the store holds ${this.#usedBytes} of ${this.#capacityBytes}; remove blobs or raise its capacity`,
      );
    }
    this.#usedBytes += bytes;
  }

  /** An unfinished blob is worth little more than its reservation: the oldest idle ones go. */
  #dropIdlePartials(): void {
    for (const [name, partial] of this.#partials) {
      if (this.#partials.size < streamLimits.partials.value) return;
      if (partial.users === 0) this.#dropPartial(name, partial);
    }
  }

  #dropPartial(name: string, only?: PartialBlob): void {
    const partial = this.#partials.get(name);
    if (partial === undefined || (only !== undefined && partial !== only)) return;
    this.#partials.delete(name);
    this.#usedBytes -= partial.address.sizeBytes;
  }
}

function checkAddress(address: BlobAddress): void {
  if (address.root.byteLength !== 32 || !Number.isSafeInteger(address.sizeBytes) || address.sizeBytes < 0) {
    throw new BlobError(
      "not-found",
      `no blob has the address of a ${address.root.byteLength}-byte root and ${address.sizeBytes} bytes; expected 32 bytes and a size`,
    );
  }
}
