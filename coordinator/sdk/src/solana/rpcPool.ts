/**
 * Several RPC nodes as one: the first that is well is asked, the next when it fails, and the primary again as soon as a probe
 * finds it well. Nodes that ask for less are left alone for as long as they say.
 */
import { createSolanaRpcFromTransport, type Rpc, type RpcTransport, type SolanaRpcApi } from "@solana/kit";
import { ChainError } from "./chainError.ts";
import { contextSlot, field, type Json } from "./json.ts";
import { EndpointFailure, RpcEndpoint } from "./rpcEndpoint.ts";
import { wait } from "./wait.ts";

const DEFAULT_TIMEOUT_MS = 5_000;
/** A node this many slots (a minute) behind another is not asked while the other is well. */
const MOST_SLOTS_BEHIND = 150n;
/** How long a request waits for a node that asked for less. */
const LONGEST_WAIT_MS = 20_000;

export interface RpcPoolOptions {
  /** the primary first */
  rpcUrls: readonly string[];
  requestTimeoutMs?: number;
  /** called when the node in use changes, or none is left */
  onStatus?: (status: RpcStatus) => void;
  random?: () => number;
  fetch?: typeof fetch;
}

export interface RpcStatus {
  /** which node is asked; null: none answers */
  url: string | null;
  isPrimary: boolean;
  /** why not the primary */
  reason: string | null;
}

export class RpcPool {
  readonly rpc: Rpc<SolanaRpcApi>;
  readonly #endpoints: readonly RpcEndpoint[];
  readonly #onStatus: (status: RpcStatus) => void;
  readonly #closing = new AbortController();
  readonly #probing = new Set<RpcEndpoint>();
  #nextId = 1;
  #told: string;

  /** @throws ChainError `bad-argument` */
  constructor(options: RpcPoolOptions) {
    if (options.rpcUrls.length === 0) throw new ChainError("bad-argument", "at least one RPC url is needed");
    for (const url of options.rpcUrls) requireUrl(url, ["http:", "https:"]);
    const endpoint = {
      timeoutMs: options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      random: options.random ?? Math.random,
      // a browser's fetch is called as itself
      fetch: options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request)),
    };
    this.#endpoints = options.rpcUrls.map((url) => new RpcEndpoint(url, endpoint));
    this.#onStatus = options.onStatus ?? (() => {});
    this.#told = this.#endpoints[0].url;
    const transport = (async ({ payload, signal }: { payload: unknown; signal?: AbortSignal }) =>
      this.ask(payload, signal)) as unknown as RpcTransport;
    this.rpc = createSolanaRpcFromTransport(transport);
  }

  /** `result` of a JSON-RPC call. @throws ChainError `unreachable`, `aborted`, `closed`; RpcRefusal for an error of the node */
  async call(method: string, params: unknown[], signal?: AbortSignal): Promise<Json> {
    const { answer, isFirst } = await this.#ask({ jsonrpc: "2.0", id: this.#nextId++, method, params }, signal);
    const error = field(answer, "error");
    if (error !== undefined) throw new RpcRefusal(method, error, isFirst);
    return field(answer, "result") ?? null;
  }

  /** To every node that is well, whatever each says: a transaction is best known to many. */
  async tellAll(method: string, params: unknown[], signal?: AbortSignal): Promise<void> {
    const payload = { jsonrpc: "2.0", id: this.#nextId++, method, params };
    await Promise.allSettled(this.#endpoints.filter((one) => one.resting === null).map((one) => this.#askOne(one, payload, signal)));
  }

  /** The whole answer of the first node that gives one. @throws ChainError `unreachable`, `aborted`, `closed` */
  async ask(payload: unknown, signal?: AbortSignal): Promise<Json> {
    return (await this.#ask(payload, signal)).answer;
  }

  /** `isFirst` false: a node that was asked before gave no answer, and may have done what it was asked for. */
  async #ask(payload: unknown, signal?: AbortSignal): Promise<{ answer: Json; isFirst: boolean }> {
    let isFirst = true;
    const deadline = performance.now() + LONGEST_WAIT_MS;
    for (;;) {
      let stale: Json | null = null;
      const reasons: string[] = [];
      for (const endpoint of this.#inOrder()) {
        try {
          const answer = await this.#askOne(endpoint, payload, signal);
          this.#tell();
          return { answer, isFirst };
        } catch (error) {
          if (!(error instanceof EndpointFailure)) throw error;
          stale ??= error.answer;
          if (error.kind === "down") isFirst = false;
          reasons.push(error.message);
        }
      }
      this.#tell();
      if (stale !== null) return { answer: stale, isFirst };
      const rest = Math.min(...this.#endpoints.filter((one) => one.resting?.kind === "rate-limited").map((one) => one.restsForMs));
      if (performance.now() + rest > deadline) {
        throw new ChainError("unreachable", `no RPC node answers: ${reasons.join("; ") || "all asked for less"}`);
      }
      await wait(rest, this.#anySignal(signal));
    }
  }

  close(): void {
    this.#closing.abort(new ChainError("closed", "this cluster client was closed"));
  }

  /** Those that are well, then those that were down: an answer matters more than their rest. Who asked for less is left alone. */
  #inOrder(): RpcEndpoint[] {
    const well = this.#endpoints.filter((one) => one.resting === null);
    if (well.length > 0) return [...well, ...this.#endpoints.filter((one) => one.resting !== null && one.resting.kind !== "rate-limited")];
    return this.#endpoints.filter((one) => one.resting?.kind !== "rate-limited" || one.restsForMs <= 0);
  }

  async #askOne(endpoint: RpcEndpoint, payload: unknown, signal?: AbortSignal): Promise<Json> {
    try {
      const answer = await endpoint.ask(payload, this.#anySignal(signal));
      this.#requirePace(endpoint, answer);
      endpoint.recovered();
      return answer;
    } catch (error) {
      if (error instanceof EndpointFailure) {
        endpoint.failed(error);
        void this.#probe(endpoint);
      }
      throw error;
    }
  }

  /** A node that hangs behind the others says what was, not what is. */
  #requirePace(endpoint: RpcEndpoint, answer: Json): void {
    const slot = contextSlot(field(answer, "result"));
    if (slot === null) return;
    const others = this.#endpoints.filter((one) => one !== endpoint && one.resting === null);
    const best = others.reduce((most, one) => (one.slot > most ? one.slot : most), 0n);
    if (slot + MOST_SLOTS_BEHIND < best) {
      throw new EndpointFailure("behind", `${endpoint.name} is ${best - slot} slots behind`, { answer });
    }
  }

  /** Asks a resting node now and then, until it is well again. */
  async #probe(endpoint: RpcEndpoint): Promise<void> {
    if (this.#probing.has(endpoint)) return;
    this.#probing.add(endpoint);
    try {
      while (endpoint.resting !== null) {
        await wait(Math.max(endpoint.restsForMs, 50), this.#closing.signal);
        if (endpoint.resting === null) break;
        try {
          // an answer with a slot in its context, which `getHealth` lacks
          const payload = { jsonrpc: "2.0", id: this.#nextId++, method: "getLatestBlockhash", params: [{ commitment: "processed" }] };
          const answer = await endpoint.ask(payload, this.#closing.signal);
          this.#requirePace(endpoint, answer);
          endpoint.recovered();
        } catch (error) {
          if (!(error instanceof EndpointFailure)) throw error;
          endpoint.failed(error);
        }
      }
      this.#tell();
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    } finally {
      this.#probing.delete(endpoint);
    }
  }

  #tell(): void {
    if (this.#closing.signal.aborted) return;
    const inUse = this.#endpoints.find((one) => one.resting === null) ?? null;
    const told = inUse?.url ?? "";
    if (told === this.#told) return;
    this.#told = told;
    this.#onStatus({
      url: inUse?.url ?? null,
      isPrimary: inUse === this.#endpoints[0],
      reason: this.#endpoints[0].resting?.message ?? null,
    });
  }

  #anySignal(signal?: AbortSignal): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }
}

/** The node understood the question and answers with an error. */
export class RpcRefusal extends ChainError {
  readonly rpcCode: number | null;
  readonly data: Json | undefined;
  /** false: a node that was asked before gave no answer, and may have done what this one refuses */
  readonly isFirst: boolean;

  constructor(method: string, error: Json, isFirst: boolean) {
    super("rpc", `${method}: ${String(field(error, "message") ?? "refused without a word")}`);
    const code = field(error, "code");
    this.rpcCode = typeof code === "number" ? code : null;
    this.data = field(error, "data");
    this.isFirst = isFirst;
  }
}

/** @throws ChainError `bad-argument` */
export function requireUrl(url: string, schemes: readonly string[]): void {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new ChainError("bad-argument", `"${url}" is no url; expected for example ${schemes[0]}//127.0.0.1:8899`, { cause });
  }
  if (!schemes.includes(parsed.protocol)) {
    throw new ChainError("bad-argument", `${url}: expected ${schemes.join(" or ")}, got ${parsed.protocol}`);
  }
}
