/**
 * One model from many peers: its leaves first, which must give the agreed hash, then tensor by tensor, each checked tile by
 * tile against the leaves as it arrives. What was verified stays, whoever fails; whoever sent something wrong is not asked again.
 */
import { addressName, type BlobAddress } from "@starling/network/blobAddress";
import { BlobError, errorText } from "@starling/network/errors";
import { equalBytes, fromHex, toHex } from "@starling/sdk/bytes";
import { leavesSizeBytes, type ModelTensor, tensorMatches, tensorSizeBytes } from "../checkpoint/modelTensors.ts";
import { merkleRoot } from "../compress/merkle.ts";
import type { ModelManifest } from "../protocol/messages.ts";
import type { TelemetryEvent } from "../telemetry/events.ts";
import type { BlobPort, Clock, ModelCache } from "./ports.ts";
import type { ModelBlobs } from "./states.ts";

/** Peers asked at once where the model is. */
const mostModelPeers = 8;
/** Tensors on their way together: one travels while another is being checked. */
const lanes = 3;
const progressEveryMs = 1_000;

export interface ModelDownloadOptions {
  /** hex */
  hash: string;
  tensors: readonly ModelTensor[];
  blobs: BlobPort;
  cache: ModelCache | null;
  clock: Clock;
  /** where the peer says that the model's blobs are; null: it does not hold it */
  ask: (peer: Uint8Array, signal: AbortSignal) => Promise<ModelManifest | null>;
  tell: (event: TelemetryEvent) => void;
}

/** Peers that gave the same answer. */
interface Offer {
  manifest: ModelManifest;
  peers: Uint8Array[];
}

export class ModelDownload {
  readonly hash: string;
  readonly #options: ModelDownloadOptions;
  readonly #abort = new AbortController();
  readonly #verified = new Map<number, BlobAddress>();
  /** peers that sent something wrong, hex */
  readonly #excluded = new Set<string>();
  #leaves: { bytes: Uint8Array; address: BlobAddress } | null = null;
  #offers: Offer[] = [];
  readonly #arrived = new Map<number, number>();
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #cacheFailed = false;

  constructor(options: ModelDownloadOptions) {
    this.hash = options.hash;
    this.#options = options;
  }

  /**
   * Goes on with what there is. Errors: those of the last provider that failed, or an Error that says who was asked; what
   * was verified until then stays for the next call.
   */
  async from(peers: readonly Uint8Array[], signal: AbortSignal): Promise<ModelBlobs> {
    const { tensors } = this.#options;
    const either = AbortSignal.any([signal, this.#abort.signal]);
    if (this.#leaves === null) await this.#leavesFromCache();
    await this.#ask(peers, either);
    const leaves = this.#leaves ?? (await this.#findLeaves(either));
    const failures: unknown[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < tensors.length && !either.aborted) {
        const index = next++;
        if (this.#verified.has(index)) continue;
        // one that nobody can send does not hold up the others
        await this.#tensor(index, leaves.bytes, either).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    either.throwIfAborted();
    if (failures.length > 0) throw failures[0];
    return { leaves: leaves.address, tensors: tensors.map((_, index) => this.#verified.get(index)!) };
  }

  /** Where the model's leaves are in the blob store. Errors as `from`. */
  async leavesFrom(peers: readonly Uint8Array[], signal: AbortSignal): Promise<BlobAddress> {
    const either = AbortSignal.any([signal, this.#abort.signal]);
    if (this.#leaves === null) await this.#leavesFromCache();
    if (this.#leaves === null) await this.#ask(peers, either);
    const { bytes, address } = this.#leaves ?? (await this.#findLeaves(either));
    // whoever asked before may have let go of them
    return this.#options.blobs.peek(address) === undefined ? this.#options.blobs.put(bytes) : address;
  }

  /** It is not wanted any more: stops, and lets go of what it holds. */
  abandon(): void {
    this.#abort.abort(new BlobError("aborted", "this model is not wanted any more"));
    const held = [...this.#verified.values(), ...(this.#leaves === null ? [] : [this.#leaves.address])];
    for (const address of held) this.#options.blobs.remove(address);
    this.#verified.clear();
  }

  /** Asks up to eight peers, and groups equal answers, the commonest first. */
  async #ask(peers: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const { ask, hash } = this.#options;
    const asked = peers.filter((peer) => !this.#excluded.has(toHex(peer))).slice(0, mostModelPeers);
    const answers = await Promise.allSettled(asked.map(async (peer) => ({ peer, manifest: await ask(peer, signal) })));
    signal.throwIfAborted();
    const groups = new Map<string, Offer>();
    for (const answer of answers) {
      if (answer.status === "rejected" || answer.value.manifest === null) continue;
      const { peer, manifest } = answer.value;
      const problem = this.#problemOf(manifest);
      if (problem !== null) {
        this.#exclude([peer], problem);
        continue;
      }
      const name = [manifest.leaves, ...manifest.tensors.map(({ blob }) => blob)].map(addressName).join();
      const group = groups.get(name) ?? { manifest, peers: [] };
      group.peers.push(peer);
      groups.set(name, group);
    }
    this.#offers = [...groups.values()].sort((a, b) => b.peers.length - a.peers.length);
    // with the leaves here the rest may all be in the cache
    if (this.#offers.length > 0 || this.#leaves !== null) return;
    const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [errorText(answer.reason)] : []));
    const heard = reasons.length > 0 ? ` (${[...new Set(reasons)].join("; ")})` : "";
    throw new Error(`none of ${asked.length} members asked has the parameters ${hash.slice(0, 8)}${heard}`);
  }

  #problemOf({ leaves, tensors: offered }: ModelManifest): string | null {
    const { tensors } = this.#options;
    if (offered.length !== tensors.length) return `a model of ${offered.length} tensors, this run's has ${tensors.length}`;
    if (leaves.sizeBytes !== leavesSizeBytes(tensors)) return `${leaves.sizeBytes} bytes of leaves, expected ${leavesSizeBytes(tensors)}`;
    const odd = tensors.find((tensor, i) => offered[i].name !== tensor.name || offered[i].blob.sizeBytes !== tensorSizeBytes(tensor));
    return odd === undefined ? null : `another tensor than this run's ${odd.name} of ${tensorSizeBytes(odd)} bytes`;
  }

  #exclude(peers: readonly Uint8Array[], reason: string): void {
    for (const peer of peers) this.#excluded.add(toHex(peer));
    const names = peers.map((peer) => toHex(peer).slice(0, 8)).join(", ");
    this.#options.tell({ type: "rejected", what: "model", reason: `from ${names}: ${reason}` });
  }

  #drop(offers: readonly Offer[], reason: string): void {
    this.#offers = this.#offers.filter((offer) => !offers.includes(offer));
    this.#exclude(
      offers.flatMap(({ peers }) => peers),
      reason,
    );
  }

  async #leavesFromCache(): Promise<void> {
    const { tensors, blobs } = this.#options;
    const bytes = await this.#cached(tensors.length);
    if (bytes !== null && this.#areLeaves(bytes)) this.#leaves = { bytes, address: await blobs.put(bytes) };
  }

  #areLeaves(bytes: Uint8Array): boolean {
    const { hash, tensors } = this.#options;
    return bytes.byteLength === leavesSizeBytes(tensors) && equalBytes(merkleRoot(bytes), fromHex(hash, 32)!);
  }

  async #findLeaves(signal: AbortSignal): Promise<{ bytes: Uint8Array; address: BlobAddress }> {
    const { blobs, tensors } = this.#options;
    let failure: unknown = null;
    for (const offer of this.#offers) {
      const address = offer.manifest.leaves;
      try {
        const bytes = await blobs.get(address, offer.peers, { signal });
        if (this.#areLeaves(bytes)) {
          this.#leaves = { bytes, address };
          await this.#cache(tensors.length, bytes);
          return this.#leaves;
        }
        blobs.remove(address);
        this.#drop([offer], `leaves that do not give the parameter hash ${this.hash.slice(0, 8)}`);
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure ?? new Error(`every member that offered the parameters ${this.hash.slice(0, 8)} offered others`);
  }

  async #tensor(index: number, leaves: Uint8Array, signal: AbortSignal): Promise<void> {
    const { blobs } = this.#options;
    const cached = await this.#cached(index);
    if (cached !== null && (await this.#matches(index, cached, leaves))) {
      this.#verified.set(index, await blobs.put(cached));
      this.#progress(index, cached.byteLength);
      return;
    }
    const tried = new Set<string>();
    let failure: unknown = null;
    for (;;) {
      signal.throwIfAborted();
      const offers = this.#offersOf(index, tried);
      if (offers.length === 0) throw failure ?? new Error(`no member is left that offers tensor ${index}`);
      const address = offers[0].manifest.tensors[index].blob;
      tried.add(addressName(address));
      const peers = offers.flatMap((offer) => offer.peers);
      const first = index % peers.length; // not everybody's list of chunks comes from the same peer
      const onProgress = (bytes: number): void => this.#progress(index, bytes);
      try {
        const bytes = await blobs.get(address, [...peers.slice(first), ...peers.slice(0, first)], { signal, onProgress });
        if (await this.#matches(index, bytes, leaves)) {
          this.#verified.set(index, address);
          await this.#cache(index, bytes);
          return;
        }
        this.#arrived.delete(index);
        this.#remove(address);
        this.#drop(offers, `tensor ${index} is not that of the parameters ${this.hash.slice(0, 8)}`);
      } catch (error) {
        failure = error;
      }
    }
  }

  /** Those that name the same blob for it as the commonest answer of which none was tried. */
  #offersOf(index: number, tried: ReadonlySet<string>): Offer[] {
    const nameOf = ({ manifest }: Offer): string => addressName(manifest.tensors[index].blob);
    const first = this.#offers.find((offer) => !tried.has(nameOf(offer)));
    return first === undefined ? [] : this.#offers.filter((offer) => nameOf(offer) === nameOf(first));
  }

  #matches(index: number, bytes: Uint8Array, leaves: Uint8Array): Promise<boolean> {
    const { tensors, clock } = this.#options;
    return tensorMatches(tensors, index, bytes, leaves, () => new Promise((resolve) => clock.after(0, resolve)));
  }

  /** A wrong blob for one tensor may be the right one for another. */
  #remove(address: BlobAddress): void {
    const name = addressName(address);
    if (![...this.#verified.values()].some((other) => addressName(other) === name)) this.#options.blobs.remove(address);
  }

  #progress(index: number, bytes: number): void {
    const { clock, tensors, tell } = this.#options;
    this.#arrived.set(index, bytes);
    if (clock.nowMs() < this.#toldAtMs + progressEveryMs) return;
    this.#toldAtMs = clock.nowMs();
    const verifiedBytes = [...this.#arrived.values()].reduce((sum, each) => sum + each, 0);
    const sizeBytes = tensors.reduce((sum, tensor) => sum + tensorSizeBytes(tensor), 0);
    const providers = new Set(this.#offers.flatMap(({ peers }) => peers.map((peer) => toHex(peer)))).size;
    tell({ type: "modelProgress", verifiedBytes, sizeBytes, providers });
  }

  async #cached(index: number): Promise<Uint8Array | null> {
    const { cache, hash } = this.#options;
    if (cache === null || this.#cacheFailed) return null;
    return cache.load(hash, index).catch((error: unknown) => this.#cacheFailure("read", error));
  }

  async #cache(index: number, bytes: Uint8Array): Promise<void> {
    const { cache, hash } = this.#options;
    if (cache === null || this.#cacheFailed) return;
    await cache.save(hash, index, bytes).catch((error: unknown) => this.#cacheFailure("kept", error));
  }

  /** A full disk costs a restart its head start, and nothing else. */
  #cacheFailure(what: string, error: unknown): null {
    if (!this.#cacheFailed) {
      this.#options.tell({ type: "error", action: "model cache", message: `received tensors cannot be ${what}: ${errorText(error)}` });
    }
    this.#cacheFailed = true;
    return null;
  }
}
