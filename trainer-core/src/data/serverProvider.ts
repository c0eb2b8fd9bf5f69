import { NetworkError, toMultiaddr, type PeerKey, type PeerNetwork } from "@starling/network";
import { encodeAs } from "@starling/sdk/wire";
import { DataError, throwIfAborted } from "./dataError.ts";
import { checkRange, type DataProvider } from "./dataProvider.ts";
import {
  DATA_INFO_PROTOCOL,
  DATA_PROTOCOL,
  DATA_REQUEST,
  decodeDataInfo,
  decodeDataResponse,
  MAX_DATA_INFO_BYTES,
  MAX_DATA_RESPONSE_BYTES,
  REFUSALS,
  sequencesPerRequest,
  type DataInfo,
  type RefusalCode,
} from "./dataProtocol.ts";
import { forEachConcurrently } from "./forEachConcurrently.ts";
import { openOnce } from "./openOnce.ts";
import { eitherSignal, pause } from "./signals.ts";
import { decodeTokens } from "./tokenFile.ts";

export interface ServerProviderOptions {
  /** HOST:PORT or a multiaddr. Without `/p2p/` whoever answers there is taken for the server, after a restart too. */
  address: string;
  runId: string;
  maxSeqLen: number;
  vocabSize: number;
  network: PeerNetwork;
  /** how long a server that is away, or that knows nothing of a round yet, is asked again */
  patienceMs?: number;
  requestTimeoutMs?: number;
  /** pause after the first failed attempt; it doubles with each, up to 4 s */
  retryPauseMs?: number;
}

const MAX_PAUSE_MS = 4_000;
/** Attempts after a refusal that a server only gives wrongly while it is behind. */
const BRIEF_TRIES = 4;
/** The server gives a peer this many answers at a time. */
const MAX_CONCURRENT_REQUESTS = 3;

/** The client of a data server (`dataServer.ts`): gets this member's own batches, and nothing else. */
export function createServerProvider(options: ServerProviderOptions): DataProvider {
  const link = new Link(options);
  const closing = new AbortController();
  const { maxSeqLen, vocabSize } = options;
  const info = openOnce((signal) => link.info(signal));
  let free = MAX_CONCURRENT_REQUESTS;
  const waiting: (() => void)[] = [];

  const oneOfFew = async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };

  return {
    sequenceTokens: maxSeqLen,

    async sequenceCount(signal) {
      return (await info(eitherSignal(signal, closing.signal))).sequenceCount;
    },

    async getSequences(start, end, signal) {
      checkRange(start, end);
      const either = eitherSignal(signal, closing.signal);
      const { tokenBytes } = await info(either);
      const most = sequencesPerRequest(maxSeqLen, tokenBytes);
      const sequences: Int32Array[] = Array.from({ length: Number(end - start) + 1 });
      const pieces = Array.from({ length: Math.ceil(sequences.length / most) }, (_, i) => i * most);
      await forEachConcurrently(pieces, MAX_CONCURRENT_REQUESTS, async (at) => {
        const count = Math.min(most, sequences.length - at);
        const first = start + BigInt(at);
        const bytes = await oneOfFew(() => link.tokens(first, first + BigInt(count - 1), count * maxSeqLen * tokenBytes, either));
        const where = (): string => `data server ${options.address}, sequences from ${first}`;
        const tokens = decodeTokens(bytes, tokenBytes === 2 ? 2 : 4, vocabSize, where);
        for (let i = 0; i < count; i++) sequences[at + i] = tokens.slice(i * maxSeqLen, (i + 1) * maxSeqLen);
      });
      return sequences;
    },

    async check(signal) {
      await info(eitherSignal(signal, closing.signal));
    },

    async close() {
      closing.abort();
      link.close();
    },
  };
}

/** Requests to one address, over whatever connections and restarts it takes. */
class Link {
  readonly #options: ServerProviderOptions;
  #peer: PeerKey | null = null;
  #closed = false;

  constructor(options: ServerProviderOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closed = true;
    this.#forget();
  }

  async info(signal: AbortSignal): Promise<DataInfo> {
    const { address, runId, maxSeqLen, vocabSize } = this.#options;
    const info = await this.#patiently(signal, async (peer, options) =>
      decodeDataInfo(
        await this.#options.network.request(peer, DATA_INFO_PROTOCOL, new Uint8Array(0), {
          ...options,
          maxResponseBytes: MAX_DATA_INFO_BYTES,
        }),
      ),
    );
    if (info.runId !== runId) throw new DataError("refused", `data server ${address} has the data of run ${info.runId}, not of ${runId}`);
    if (info.sequenceTokens !== maxSeqLen || info.tokenBytes !== (vocabSize > 65_536 ? 4 : 2)) {
      throw new DataError(
        "bad-file",
        `data server ${address} has sequences of ${info.sequenceTokens} tokens of ${info.tokenBytes} bytes, this run's are of ${maxSeqLen}, ` +
          `its vocabulary ${vocabSize}: start it with the run's config`,
      );
    }
    return info;
  }

  /** Exactly `lengthBytes` bytes of tokens. */
  async tokens(start: bigint, end: bigint, lengthBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const { address, runId, network } = this.#options;
    const request = encodeAs(DATA_REQUEST, { runId, start, end });
    return this.#patiently(signal, async (peer, options) => {
      const response = await network.request(peer, DATA_PROTOCOL, request, { ...options, maxResponseBytes: MAX_DATA_RESPONSE_BYTES });
      const { refusal, tokens } = decodeDataResponse(response);
      if (refusal !== null) throw new Refusal(refusal.code, refusal.message);
      if (tokens.length === lengthBytes) return tokens;
      throw new DataError("bad-file", `data server ${address} answered ${tokens.length} bytes of tokens, ${lengthBytes} were asked for`);
    });
  }

  /** Asks until it is answered, refused for good, or the patience is over. */
  async #patiently<T>(
    signal: AbortSignal,
    ask: (peer: PeerKey, options: { signal: AbortSignal; timeoutMs: number }) => Promise<T>,
  ): Promise<T> {
    const { address, patienceMs = 60_000, requestTimeoutMs = 15_000, retryPauseMs = 250 } = this.#options;
    const sinceMs = performance.now();
    for (let failures = 1, pauseMs = retryPauseMs; ; failures++, pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      throwIfAborted(signal);
      try {
        return await ask(await this.#connected(signal), { signal, timeoutMs: requestTimeoutMs });
      } catch (error) {
        throwIfAborted(signal);
        const again = error instanceof Refusal ? REFUSALS[error.code] : error instanceof NetworkError ? "always" : "never";
        if (error instanceof DataError) throw error;
        const over = performance.now() - sinceMs + pauseMs > patienceMs;
        if (again === "never" || over || (again === "briefly" && failures >= BRIEF_TRIES)) throw this.#explain(error, address, failures);
        // behind the same address another key may answer now
        if (error instanceof NetworkError) this.#forget();
      }
      await pause(pauseMs, signal);
    }
  }

  #explain(error: unknown, address: string, times: number): DataError {
    const reason = (error as Error).message;
    if (error instanceof Refusal) {
      const code = error.code === "unavailable" || error.code === "overloaded" ? "unreachable" : "refused";
      return new DataError(code, `data server ${address} refuses (${error.code}): ${reason}`, error);
    }
    return new DataError(
      "unreachable",
      `data server ${address}: ${reason}, ${times} times; is "starling data-server" running there?`,
      error,
    );
  }

  async #connected(signal: AbortSignal): Promise<PeerKey> {
    const { network, address } = this.#options;
    if (this.#peer !== null) return this.#peer;
    const peer = await network.connectAddress(toMultiaddr(address), signal);
    if (this.#closed) network.unpin(peer);
    else this.#peer = peer;
    return peer;
  }

  #forget(): void {
    if (this.#peer !== null) this.#options.network.unpin(this.#peer);
    this.#peer = null;
  }
}

class Refusal extends Error {
  readonly code: RefusalCode;
  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
