import { keyHex, type PeerKey, type PeerNetwork } from "@starling/network";
import { decodeAs, encodeAs } from "@starling/sdk/wire";
import type { DataRights, Verdict } from "./batchRights.ts";
import type { DataProvider } from "./dataProvider.ts";
import {
  DATA_INFO,
  DATA_INFO_PROTOCOL,
  DATA_PROTOCOL,
  DATA_REQUEST,
  encodeRefusal,
  encodeTokensResponse,
  MAX_DATA_INFO_BYTES,
  MAX_DATA_REQUEST_BYTES,
  MAX_DATA_RESPONSE_BYTES,
  packTokens,
  sequencesPerRequest,
  type DataRequest,
  type RefusalCode,
} from "./dataProtocol.ts";
import { pause } from "./signals.ts";

export interface DataServerOptions {
  runId: string;
  /** the training data, and nothing else: what is held out must not be reachable through it */
  provider: DataProvider;
  /** of the run's model: decides how wide tokens are on the wire */
  vocabSize: number;
  /** Listening, and created with `allowAll`: who is a member is decided here. */
  network: PeerNetwork;
  /** `snapshotRights(coordinator)` */
  rights: DataRights;
  onEvent?: (event: DataServerEvent) => void;
  /** A client may hear of a round before the server does: its request waits this long for news. Default 2 s. */
  newsMs?: number;
}

export type DataServerEvent =
  | { type: "served"; peer: string; start: bigint; end: bigint; bytes: number }
  | { type: "refused"; peer: string; code: RefusalCode; message: string }
  | { type: "error"; error: unknown };

const NEWS_POLL_MS = 50;
/** A batch once, and again for lost answers and a restart within the round. */
const TIMES_A_BATCH = 4;
const MAX_REQUESTS_A_PEER = 4;
const MAX_REQUESTS = 64;
/** Batches of the rounds served, at their most: 256 clients, 2 rounds; twice that, for the ones just over. */
const MAX_COUNTED_BATCHES = 1024;

class Refused extends Error {
  readonly code: RefusalCode;
  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Serves training data to the members of one run, to each only the sequences of the batches that are its own in the running round
 * or the one before. Returns the undo; provider, rights and network stay the caller's.
 */
export function serveData(options: DataServerOptions): () => void {
  const server = new Server(options);
  return () => server.stop();
}

class Server {
  readonly #options: DataServerOptions;
  readonly #emit: (event: DataServerEvent) => void;
  readonly #undo: (() => void)[];
  readonly #tokenBytes: 2 | 4;
  readonly #inFlight = new Map<string, number>();
  #requests = 0;
  /** sequences given, by peer and batch, in order of first use */
  readonly #given = new Map<string, number>();

  constructor(options: DataServerOptions) {
    this.#options = options;
    this.#emit = options.onEvent ?? (() => {});
    this.#tokenBytes = options.vocabSize > 65_536 ? 4 : 2;
    const { network } = options;
    this.#undo = [
      network.handle(DATA_INFO_PROTOCOL, { maxRequestBytes: 0, maxResponseBytes: MAX_DATA_INFO_BYTES }, (_from, _request, signal) =>
        this.#info(signal),
      ),
      network.handle(
        DATA_PROTOCOL,
        { maxRequestBytes: MAX_DATA_REQUEST_BYTES, maxResponseBytes: MAX_DATA_RESPONSE_BYTES },
        (from, request, signal) => this.#answer(from, request, signal),
      ),
    ];
  }

  stop(): void {
    for (const undo of this.#undo) undo();
  }

  async #info(signal: AbortSignal): Promise<Uint8Array> {
    const { runId, provider } = this.#options;
    const sequenceCount = await provider.sequenceCount(signal);
    return encodeAs(DATA_INFO, { runId, sequenceTokens: provider.sequenceTokens, sequenceCount, tokenBytes: this.#tokenBytes });
  }

  async #answer(from: PeerKey, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const peer = keyHex(from);
    try {
      return await this.#serve(from, peer, this.#parse(request), signal);
    } catch (error) {
      if (!(error instanceof Refused)) {
        this.#emit({ type: "error", error });
        return encodeRefusal({ code: "unavailable", message: "its data cannot be read; its own log says why" });
      }
      this.#emit({ type: "refused", peer, code: error.code, message: error.message });
      return encodeRefusal(error);
    }
  }

  #parse(request: Uint8Array): DataRequest {
    try {
      return decodeAs(DATA_REQUEST, request, "the request");
    } catch (error) {
      throw new Refused("malformed", (error as Error).message);
    }
  }

  async #serve(from: PeerKey, peer: string, { runId, start, end }: DataRequest, signal: AbortSignal): Promise<Uint8Array> {
    const { provider } = this.#options;
    if (runId !== this.#options.runId) throw new Refused("wrong-run", `this server has the data of run ${this.#options.runId}`);
    if (end < start) throw new Refused("malformed", `the range [${start}, ${end}] is none`);
    const most = sequencesPerRequest(provider.sequenceTokens, this.#tokenBytes);
    if (end - start >= BigInt(most)) throw new Refused("too-large", `at most ${most} sequences are given at a time`);
    const verdict = await this.#judge(from, start, end, signal);
    if (!verdict.granted) throw new Refused(verdict.code, verdict.message);
    const { batch } = verdict;
    const name = `${peer} ${batch.name}`;
    const count = Number(end - start) + 1;
    const given = this.#given.get(name) ?? 0;
    if (given + count > TIMES_A_BATCH * (Number(batch.end - batch.start) + 1)) {
      throw new Refused(
        "rate-limited",
        `the batch [${batch.start}, ${batch.end}] was given ${TIMES_A_BATCH} times; wait for the next round`,
      );
    }
    // counted before it is read, so that requests at the same time count too
    this.#given.set(name, given + count);
    for (const oldest of this.#given.keys()) {
      if (this.#given.size <= MAX_COUNTED_BATCHES) break;
      this.#given.delete(oldest);
    }
    let tokens: Uint8Array;
    try {
      tokens = await this.#oneOfFew(peer, async () => packTokens(await provider.getSequences(start, end, signal), this.#tokenBytes));
    } catch (error) {
      // not given after all; who hung up meanwhile has cost a reading
      if (!signal.aborted && this.#given.has(name)) this.#given.set(name, this.#given.get(name)! - count);
      throw error;
    }
    this.#emit({ type: "served", peer, start, end, bytes: tokens.length });
    return encodeTokensResponse(tokens);
  }

  /** Bounds what is read and held at a time, for each peer and for all. */
  async #oneOfFew<T>(peer: string, work: () => Promise<T>): Promise<T> {
    const inFlight = this.#inFlight.get(peer) ?? 0;
    if (inFlight >= MAX_REQUESTS_A_PEER) throw new Refused("overloaded", `at most ${MAX_REQUESTS_A_PEER} requests of a peer at a time`);
    if (this.#requests >= MAX_REQUESTS) throw new Refused("overloaded", `${MAX_REQUESTS} requests are being answered; try again`);
    this.#inFlight.set(peer, inFlight + 1);
    this.#requests++;
    try {
      return await work();
    } finally {
      this.#requests--;
      const left = this.#inFlight.get(peer)! - 1;
      if (left === 0) this.#inFlight.delete(peer);
      else this.#inFlight.set(peer, left);
    }
  }

  /** A member that heard of its round before this server did waits for the news. */
  async #judge(from: PeerKey, start: bigint, end: bigint, signal: AbortSignal): Promise<Verdict> {
    const { rights, newsMs = 2_000 } = this.#options;
    for (let waitedMs = 0; ; waitedMs += NEWS_POLL_MS) {
      const verdict: Verdict = rights.of(from, start, end) ?? {
        granted: false,
        code: "unknown-round",
        message: "this data server has not heard from the coordinator yet",
      };
      if (verdict.granted || verdict.code !== "unknown-round" || waitedMs >= newsMs || signal.aborted) return verdict;
      await pause(NEWS_POLL_MS, signal);
    }
  }
}
