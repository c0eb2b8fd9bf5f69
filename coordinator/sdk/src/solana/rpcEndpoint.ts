/** One RPC node over HTTP: a request, and what is known of the node's health. */
import { ChainError } from "./chainError.ts";
import { contextSlot, field, type Json, parseJson } from "./json.ts";
import { aborted, anySignal, backOffMs } from "./wait.ts";

/** 256 base64 members' tables and a list of runs fit; more is no answer to a question of ours. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;
const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 15_000;
const LONGEST_RETRY_AFTER_MS = 30_000;

/** The node could not be asked, or said so in a way that another node may not. */
export class EndpointFailure extends Error {
  readonly kind: "down" | "rate-limited" | "behind";
  readonly retryAfterMs: number | null;
  /** an answer that is better than none */
  readonly answer: Json | null;

  constructor(
    kind: "down" | "rate-limited" | "behind",
    message: string,
    options: { retryAfterMs?: number | null; answer?: Json; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.answer = options.answer ?? null;
  }
}

/** Host and port of a node, for people: providers put their users' keys into the rest of the url. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

/** Errors of a node that lags, or is starting: -32005 unhealthy, -32016 has not reached the slot asked for, -32004/-32014 has not the block yet. */
const BEHIND: ReadonlySet<unknown> = new Set([-32005, -32016, -32004, -32014]);

export class RpcEndpoint {
  readonly url: string;
  /** what is told of it */
  readonly name: string;
  readonly #timeoutMs: number;
  readonly #random: () => number;
  readonly #fetch: typeof fetch;
  #failures = 0;
  #restsUntilMs = 0;
  #reason: EndpointFailure | null = null;
  /** newest slot that an answer was about */
  slot = 0n;

  constructor(url: string, options: { timeoutMs: number; random: () => number; fetch: typeof fetch }) {
    this.url = url;
    this.name = hostOf(url);
    this.#timeoutMs = options.timeoutMs;
    this.#random = options.random;
    this.#fetch = options.fetch;
  }

  /** Why it is not asked now; null: it may be. */
  get resting(): EndpointFailure | null {
    return this.#reason;
  }

  get restsForMs(): number {
    return Math.max(0, this.#restsUntilMs - performance.now());
  }

  recovered(): void {
    this.#failures = 0;
    this.#reason = null;
  }

  failed(failure: EndpointFailure): void {
    // a node may ask for a longer rest than ours, not for none
    const rest = Math.max(failure.retryAfterMs ?? 0, backOffMs(this.#failures, FIRST_REST_MS, LONGEST_REST_MS, this.#random));
    this.#failures += 1;
    this.#restsUntilMs = performance.now() + rest;
    this.#reason = failure;
  }

  /** The node's whole JSON-RPC answer. @throws EndpointFailure; ChainError `aborted` */
  async ask(payload: unknown, signal?: AbortSignal): Promise<Json> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const both = anySignal(signal, timeout);
    let text: string;
    try {
      const response = await this.#fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(payload),
        signal: both,
      });
      if (response.status === 429) {
        await response.body?.cancel();
        throw new EndpointFailure("rate-limited", `${this.name} is asked too fast (HTTP 429)`, { retryAfterMs: retryAfter(response) });
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new EndpointFailure("down", `${this.name} answers HTTP ${response.status}`);
      }
      text = await boundedText(response);
    } catch (cause) {
      if (signal?.aborted) throw aborted(signal);
      if (cause instanceof EndpointFailure) throw cause;
      const why = timeout.aborted ? `does not answer within ${this.#timeoutMs} ms` : `cannot be asked: ${reasonOf(cause)}`;
      throw new EndpointFailure("down", `${this.name} ${why}`, { cause });
    }
    return this.#understood(text);
  }

  #understood(text: string): Json {
    let answer: Json;
    try {
      answer = parseJson(text);
    } catch (cause) {
      throw new EndpointFailure("down", `${this.name}: ${(cause as Error).message}`, { cause });
    }
    const error = field(answer, "error");
    if (error === undefined && field(answer, "result") === undefined) {
      throw new EndpointFailure("down", `${this.name} sends what is no JSON-RPC answer: ${text.slice(0, 60)}`);
    }
    const slot = contextSlot(field(answer, "result"));
    if (slot !== null && slot > this.slot) this.slot = slot;
    const code = field(error, "code");
    if (code === 429 || code === -32429) {
      throw new EndpointFailure("rate-limited", `${this.name} is asked too fast (JSON-RPC error ${code})`);
    }
    if (BEHIND.has(code)) throw new EndpointFailure("behind", `${this.name} is behind: ${String(field(error, "message"))}`, { answer });
    return answer;
  }
}

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_RESPONSE_BYTES) {
      await reader.cancel();
      throw new Error(`its answer is longer than ${MAX_RESPONSE_BYTES} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Seconds, as HTTP has it; never longer than we would wait. */
function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(1000 * seconds, LONGEST_RETRY_AFTER_MS) : null;
}

function reasonOf(error: unknown): string {
  if (error instanceof ChainError || !(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
