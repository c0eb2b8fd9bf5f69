/** One websocket to one node, held open: subscriptions to accounts are made again whenever it comes back. */
import type { Address } from "@solana/kit";
import { ChainError } from "./chainError.ts";
import { account, type ChainAccount, contextSlot, field, type Json, parseJson } from "./json.ts";
import { hostOf } from "./rpcEndpoint.ts";
import { backOffMs, wait } from "./wait.ts";

/** An account as it was at a slot; null: there is none. */
export interface AccountUpdate {
  slot: bigint;
  account: ChainAccount | null;
}

export type AccountListener = (update: AccountUpdate) => void;

const FIRST_REST_MS = 250;
const LONGEST_REST_MS = 10_000;
/** A socket that lived for less failed, whether or not it opened: nodes that take no more hang up on those who did. */
const LASTING_MS = 30_000;
const PING_MS = 10_000;
/** Two pings unanswered: the connection is dead although nobody said so. */
const SILENCE_MS = 2.5 * PING_MS;
const OPEN_TIMEOUT_MS = 5_000;
const MAX_MESSAGE_CHARACTERS = 1024 * 1024;
/** Nodes answer this at once, with an error: all that a ping must do. */
const PING = { jsonrpc: "2.0", id: 0, method: "accountUnsubscribe", params: [0xffff_ffff] };

export interface WsConnectionOptions {
  url: string;
  commitment: string;
  onOpen: (isOpen: boolean) => void;
  onUpdate: (address: Address, update: AccountUpdate) => void;
  random: () => number;
}

export class WsConnection {
  readonly #options: WsConnectionOptions;
  readonly #closing = new AbortController();
  readonly #addresses = new Set<Address>();
  readonly #finished: Promise<void>;
  #socket: WebSocket | null = null;
  #nextId = 1;
  /** request -> the address asked for */
  #asked = new Map<number, Address>();
  /** subscription -> its address */
  #subscriptions = new Map<number, Address>();
  /** why it was not open last; null: it is open */
  reason: string | null = "not yet open";

  constructor(options: WsConnectionOptions) {
    this.#options = options;
    this.#finished = this.#holdOpen();
  }

  watch(address: Address): void {
    this.#addresses.add(address);
    this.#subscribe(address);
  }

  unwatch(address: Address): void {
    this.#addresses.delete(address);
    for (const [subscription, watched] of this.#subscriptions) {
      if (watched !== address) continue;
      this.#subscriptions.delete(subscription);
      this.#unsubscribe(subscription);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new ChainError("closed", "this cluster client was closed"));
    await this.#finished;
  }

  async #holdOpen(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted;) {
      const beganMs = performance.now();
      await this.#live();
      failures = performance.now() - beganMs > LASTING_MS ? 0 : failures + 1;
      await wait(backOffMs(failures, FIRST_REST_MS, LONGEST_REST_MS, this.#options.random), this.#closing.signal).catch(() => {});
    }
  }

  /** One life of the socket. Resolves when it is over. */
  #live(): Promise<void> {
    return new Promise((resolve) => {
      let socket: WebSocket;
      try {
        socket = new WebSocket(this.#options.url);
      } catch (cause) {
        this.reason = `${hostOf(this.#options.url)}: ${(cause as Error).message}`;
        resolve();
        return;
      }
      let opened = false;
      let heardMs = performance.now();
      const end = (why: string): void => {
        if (this.#socket !== socket && opened) return;
        clearTimeout(patience);
        clearInterval(pinging);
        this.#closing.signal.removeEventListener("abort", close);
        this.#socket = null;
        this.#asked.clear();
        this.#subscriptions.clear();
        this.reason = `${hostOf(this.#options.url)} ${why}`;
        socket.onopen = socket.onclose = socket.onerror = socket.onmessage = null;
        try {
          socket.close();
        } catch {
          // it was never open
        }
        if (opened) this.#options.onOpen(false);
        resolve();
      };
      const close = (): void => end("was closed");
      const patience = setTimeout(() => end(`does not open within ${OPEN_TIMEOUT_MS} ms`), OPEN_TIMEOUT_MS);
      const pinging = setInterval(() => {
        if (performance.now() - heardMs > SILENCE_MS) end("fell silent");
        else this.#send(PING);
      }, PING_MS);
      socket.onopen = () => {
        clearTimeout(patience);
        opened = true;
        this.reason = null;
        this.#socket = socket;
        for (const address of this.#addresses) this.#subscribe(address);
        this.#options.onOpen(true);
      };
      socket.onerror = () => end("cannot be reached");
      socket.onclose = () => end("hung up");
      socket.onmessage = ({ data }) => {
        heardMs = performance.now();
        try {
          this.#hear(data);
        } catch (error) {
          if (error instanceof ChainError) end(`sends what it must not: ${error.message}`);
          else throw error;
        }
      };
      if (this.#closing.signal.aborted) close();
      else this.#closing.signal.addEventListener("abort", close, { once: true });
    });
  }

  #hear(data: unknown): void {
    if (typeof data !== "string" || data.length > MAX_MESSAGE_CHARACTERS)
      throw new ChainError("rpc", "a message that is no text, or too long");
    const message = parseJson(data);
    const id = field(message, "id");
    if (typeof id === "number") {
      this.#answered(id, message);
      return;
    }
    if (field(message, "method") !== "accountNotification") return;
    const params = field(message, "params");
    const address = this.#subscriptions.get(Number(field(params, "subscription")));
    if (address === undefined) return;
    const result = field(params, "result");
    const slot = contextSlot(result);
    if (slot === null) throw new ChainError("rpc", "a notification without a slot");
    const told = account(field(result, "value"));
    // a closed account is told as an empty one of the system program
    const gone = told !== null && told.lamports === 0n;
    this.#options.onUpdate(address, { slot, account: gone ? null : told });
  }

  #answered(id: number, message: Json): void {
    const address = this.#asked.get(id);
    if (address === undefined) return;
    this.#asked.delete(id);
    const subscription = field(message, "result");
    if (typeof subscription !== "number")
      throw new ChainError("rpc", `accountSubscribe was refused: ${String(field(field(message, "error"), "message"))}`);
    if (this.#addresses.has(address)) this.#subscriptions.set(subscription, address);
    else this.#unsubscribe(subscription);
  }

  #subscribe(address: Address): void {
    if (this.#socket === null) return;
    const id = this.#nextId++;
    this.#asked.set(id, address);
    const how = { encoding: "base64", commitment: this.#options.commitment };
    this.#send({ jsonrpc: "2.0", id, method: "accountSubscribe", params: [address, how] });
  }

  #unsubscribe(subscription: number): void {
    this.#send({ jsonrpc: "2.0", id: this.#nextId++, method: "accountUnsubscribe", params: [subscription] });
  }

  #send(message: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
