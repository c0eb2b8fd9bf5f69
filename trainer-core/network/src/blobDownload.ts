import { addressName, type BlobAddress, chunkBytes, chunkCount } from "./blobAddress.ts";
import { blobProtocol, BlobRequestKind, decodeBlobAnswer, encodeBlobRequest } from "./blobWire.ts";
import type { Scheduler } from "./clock.ts";
import { BlobError, type BlobErrorCode, errorText, NetworkError } from "./errors.ts";
import { equalBytes, leafHash, merkleRoot } from "./hash.ts";
import { keyHex, type PeerKey, type PeerNetwork } from "./port.ts";
import { onAbort } from "./signals.ts";

/** Chunk requests under way at one provider: one travels while the other is being checked. */
const requestsPerProvider = 2;
/** A provider that trickles bytes to please the stall timer still loses the chunk after this many stall times. */
const chunkTimeoutStalls = 12;
/** A chunk that takes longer than this share of the stall time is asked of an idle provider too, and the first answer counts. */
const hedgeStalls = 0.25;

/** A provider over which we ask faster than it lets a peer ask is not broken: it is asked more slowly. */
const overloadedTries = 8;
const overloadedPauseMs = 250;

interface Claim {
  sinceMs: number;
  /** providers asked, hex */
  by: Set<string>;
}

/** A blob that is not complete yet. Survives the `get` that began it, so that the next one resumes. */
export class PartialBlob {
  readonly address: BlobAddress;
  /** Null until the list of chunk hashes is known and verified. */
  hashes: Uint8Array[] | null = null;
  /** Zero where a chunk is missing. Allocated with the first chunk. */
  bytes = new Uint8Array(0);
  readonly verified: Uint8Array;
  verifiedBytes = 0;
  missingChunks: number;
  /** Running `get`s. */
  users = 0;
  readonly #claims = new Map<number, Claim>();
  #wake = Promise.withResolvers<void>();

  constructor(address: BlobAddress) {
    this.address = address;
    this.missingChunks = chunkCount(address.sizeBytes);
    this.verified = new Uint8Array(this.missingChunks);
    // One chunk: its hash is the root, so no list is needed and the blob takes one round trip.
    if (this.missingChunks === 1) this.hashes = [address.root];
  }

  /** A chunk for `provider` to bring: one that nobody is bringing, else the one that others have been at for `slowMs`. */
  claim(provider: string, nowMs: number, slowMs: number): number | null {
    for (let index = 0; index < this.verified.length; index++) {
      if (this.verified[index] === 1) continue;
      const claim = this.#claims.get(index);
      if (claim !== undefined && (claim.by.has(provider) || nowMs < claim.sinceMs + slowMs)) continue;
      this.#claims.set(index, { sinceMs: nowMs, by: (claim?.by ?? new Set()).add(provider) });
      return index;
    }
    return null;
  }

  release(index: number, provider: string): void {
    const claim = this.#claims.get(index);
    claim?.by.delete(provider);
    if (claim?.by.size === 0) this.#claims.delete(index);
    this.#changed();
  }

  accept(index: number, chunk: Uint8Array): void {
    if (this.verified[index] === 1) return;
    if (this.bytes.byteLength === 0) this.bytes = new Uint8Array(this.address.sizeBytes);
    this.bytes.set(chunk, index * chunkBytes);
    this.verified[index] = 1;
    this.verifiedBytes += chunk.byteLength;
    this.missingChunks--;
    this.#changed();
  }

  /** Resolves at the next release or accept. */
  change(): Promise<void> {
    return this.#wake.promise;
  }

  #changed(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

export interface DownloadOptions {
  network: PeerNetwork;
  partial: PartialBlob;
  providers: readonly PeerKey[];
  stallMs: number;
  scheduler: Scheduler;
  signal: AbortSignal;
  onProgress?: (verifiedBytes: number, sizeBytes: number) => void;
}

/** Completes `partial` from its providers. @throws BlobError when the last provider has failed, or on abort. */
export async function download(options: DownloadOptions): Promise<void> {
  const { partial, signal } = options;
  const failures = new Map<string, BlobError>();
  const alive = options.providers.filter((provider) => keyHex(provider) !== keyHex(options.network.self));
  if (alive.length === 0) {
    throw new BlobError("no-providers", `blob ${shortName(partial)}: no other peer is named as a provider`);
  }
  await fetchHashes(options, alive, failures);
  const finished = new AbortController();
  const inner = AbortSignal.any([signal, finished.signal]);
  void abortWhenComplete(partial, finished, inner);
  try {
    await Promise.all(
      alive.flatMap((provider) => Array.from({ length: requestsPerProvider }, () => fetchChunks(options, provider, failures, inner))),
    );
  } finally {
    finished.abort();
  }
  if (partial.missingChunks > 0) throw outcome(options, failures);
}

/** Whoever brought the last chunk, nobody waits for the slower ones. */
async function abortWhenComplete(partial: PartialBlob, finished: AbortController, signal: AbortSignal): Promise<void> {
  while (partial.missingChunks > 0 && !signal.aborted) await changeOrAbort(partial, signal);
  finished.abort();
}

async function fetchHashes(options: DownloadOptions, providers: PeerKey[], failures: Map<string, BlobError>): Promise<void> {
  const { partial } = options;
  const count = partial.verified.length;
  for (const provider of providers) {
    if (partial.hashes !== null) return;
    try {
      const list = await ask(options, provider, BlobRequestKind.list, 0, count * 32, options.signal);
      if (list.byteLength !== count * 32) throw wrong(`${list.byteLength} bytes of chunk hashes, expected ${count * 32}`);
      const hashes = Array.from({ length: count }, (_, i) => list.slice(i * 32, (i + 1) * 32));
      if (!equalBytes(merkleRoot(hashes), partial.address.root)) throw wrong("chunk hashes that do not give the root");
      partial.hashes = hashes;
    } catch (error) {
      failures.set(keyHex(provider), asBlobError(error));
    }
  }
  if (partial.hashes === null) throw outcome(options, failures);
}

/** Takes chunks from one provider until nothing is missing or the provider has failed. */
async function fetchChunks(
  options: DownloadOptions,
  provider: PeerKey,
  failures: Map<string, BlobError>,
  signal: AbortSignal,
): Promise<void> {
  const { partial, scheduler } = options;
  const name = keyHex(provider);
  const slowMs = options.stallMs * hedgeStalls;
  while (partial.missingChunks > 0 && !signal.aborted && !failures.has(name)) {
    const index = partial.claim(name, scheduler.now(), slowMs);
    if (index === null) {
      await changeOrAbort(partial, signal, scheduler, slowMs);
      continue;
    }
    try {
      const expectedBytes = Math.min(chunkBytes, partial.address.sizeBytes - index * chunkBytes);
      const chunk = await ask(options, provider, BlobRequestKind.chunk, index, expectedBytes, signal);
      if (chunk.byteLength !== expectedBytes || !equalBytes(await leafHash(chunk), partial.hashes![index])) {
        throw wrong(`chunk ${index} does not hash to the address`);
      }
      partial.accept(index, chunk);
      options.onProgress?.(partial.verifiedBytes, partial.address.sizeBytes);
    } catch (error) {
      failures.set(name, asBlobError(error));
    } finally {
      partial.release(index, name);
    }
  }
}

async function ask(
  options: DownloadOptions,
  provider: PeerKey,
  kind: number,
  index: number,
  bodyBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const request = encodeBlobRequest({ kind, address: options.partial.address, index });
  let answer: Uint8Array | undefined;
  for (let tries = 1; answer === undefined; tries++) {
    try {
      answer = await options.network.request(provider, blobProtocol, request, {
        maxResponseBytes: 1 + bodyBytes,
        signal,
        timeoutMs: options.stallMs * chunkTimeoutStalls,
        idleTimeoutMs: options.stallMs,
      });
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== "overloaded" || tries >= overloadedTries) throw error;
      await pause(options.scheduler, overloadedPauseMs * tries, signal);
    }
  }
  const body = decodeBlobAnswer(answer);
  if (body === null) throw new BlobError("not-found", "does not hold it");
  return body;
}

/** With a scheduler: or `ms` later. */
function changeOrAbort(partial: PartialBlob, signal: AbortSignal, scheduler?: Scheduler, ms = 0): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      cancel?.();
      resolve();
    };
    const cancel = scheduler?.schedule(ms, done);
    signal.addEventListener("abort", done, { once: true });
    void partial.change().then(done);
  });
}

/** Resolves early on abort: the next request tells. */
function pause(scheduler: Scheduler, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = scheduler.schedule(ms, () => {
      undo();
      resolve();
    });
    const undo = onAbort(signal, () => {
      cancel();
      resolve();
    });
  });
}

function wrong(text: string): BlobError {
  return new BlobError("wrong-chunk", text);
}

function asBlobError(error: unknown): BlobError {
  if (error instanceof BlobError) return error;
  const code = error instanceof NetworkError ? error.code : undefined;
  const byCode: Partial<Record<string, BlobErrorCode>> = {
    timeout: "stalled",
    "too-large": "wrong-chunk",
    malformed: "wrong-chunk",
    aborted: "aborted",
  };
  return new BlobError(byCode[code ?? ""] ?? "unreachable", errorText(error), { cause: error });
}

/** One error for all providers: the gravest finding names it, the message lists each. */
function outcome(options: DownloadOptions, failures: Map<string, BlobError>): BlobError {
  const name = shortName(options.partial);
  if (options.signal.aborted) {
    return new BlobError("aborted", `download of blob ${name} was aborted by the caller`, { cause: options.signal.reason });
  }
  const gravity: BlobErrorCode[] = ["wrong-chunk", "stalled", "unreachable", "aborted", "not-found"];
  const codes = new Set([...failures.values()].map((failure) => failure.code));
  const code = gravity.find((candidate) => codes.has(candidate)) ?? "unreachable";
  const each = [...failures].map(([hex, failure]) => `${hex.slice(0, 8)}: ${failure.message}`).join("; ");
  return new BlobError(
    code,
    `blob ${name} could not be completed from ${failures.size} provider(s), ${options.partial.missingChunks} chunk(s) missing (${each})`,
    { cause: [...failures.values()] },
  );
}

function shortName(partial: PartialBlob): string {
  return addressName(partial.address).slice(0, 12);
}
