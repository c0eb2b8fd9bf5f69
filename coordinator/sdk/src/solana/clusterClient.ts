/**
 * A Solana cluster behind several RPC nodes and websockets, the primary first. What it tells of an account comes from all
 * websockets at once, and from a slow poll as a net: no change is missed while any of them lives.
 */
import { type Address, isAddress, type Rpc, type SolanaRpcApi } from "@solana/kit";
import { ChainError } from "./chainError.ts";
import { account, type ChainAccount, field, integer, list, string, unexpected } from "./json.ts";
import { RpcPool, type RpcStatus, requireUrl } from "./rpcPool.ts";
import { wait } from "./wait.ts";
import { type AccountListener, type AccountUpdate, WsConnection } from "./wsConnection.ts";

export type Commitment = "processed" | "confirmed" | "finalized";

export interface ClusterOptions {
  /** the primary first */
  rpcUrls: readonly string[];
  /** the primary first; all are used at once. None: accounts are polled. */
  wsUrls: readonly string[];
  commitment?: Commitment;
  requestTimeoutMs?: number;
  /** told when it changes */
  onStatus?: (status: ClusterStatus) => void;
  random?: () => number;
}

export interface ClusterStatus extends RpcStatus {
  websocketsOpen: number;
  websockets: number;
  /** why those that are not open are not */
  websocketReasons: string[];
}

/** With a websocket open, the poll only proves that nothing was missed. */
const CALM_POLL_MS = 10_000;
const BLIND_POLL_MS = 1_500;
const MOST_ACCOUNTS_AT_ONCE = 100;

export interface ReadOptions {
  /** the same bytes of every account */
  slice?: { offset: number; length: number };
  /** a node that has not seen this slot is not asked */
  minSlot?: bigint;
  signal?: AbortSignal;
}

export interface AccountsAtSlot {
  slot: bigint;
  accounts: (ChainAccount | null)[];
}

export class ClusterClient {
  readonly commitment: Commitment;
  readonly pool: RpcPool;
  readonly #sockets: WsConnection[];
  readonly #onStatus: (status: ClusterStatus) => void;
  readonly #watched = new Map<Address, Set<AccountListener>>();
  readonly #closing = new AbortController();
  readonly #polling: Promise<void>;
  #rpcStatus: RpcStatus;
  #open = new Set<number>();
  #pollNow: () => void = () => {};

  /** @throws ChainError `bad-argument` for urls that are none */
  constructor(options: ClusterOptions) {
    for (const url of options.wsUrls) requireUrl(url, ["ws:", "wss:"]);
    this.commitment = options.commitment ?? "confirmed";
    this.#onStatus = options.onStatus ?? (() => {});
    this.#rpcStatus = { url: options.rpcUrls[0], isPrimary: true, reason: null };
    this.pool = new RpcPool({
      rpcUrls: options.rpcUrls,
      requestTimeoutMs: options.requestTimeoutMs,
      random: options.random,
      onStatus: (status) => {
        this.#rpcStatus = status;
        this.#onStatus(this.status());
      },
    });
    const random = options.random ?? Math.random;
    this.#sockets = options.wsUrls.map(
      (url, index) =>
        new WsConnection({
          ...{ url, commitment: this.commitment, random },
          onOpen: (isOpen) => this.#opened(index, isOpen),
          onUpdate: (address, update) => this.#update(address, update),
        }),
    );
    this.#polling = this.#poll();
  }

  /** kit's typed RPC over the same nodes. */
  get rpc(): Rpc<SolanaRpcApi> {
    return this.pool.rpc;
  }

  status(): ClusterStatus {
    return {
      ...this.#rpcStatus,
      websocketsOpen: this.#open.size,
      websockets: this.#sockets.length,
      websocketReasons: this.#sockets.map(({ reason }) => reason).filter((reason) => reason !== null),
    };
  }

  /** At most 100 accounts of one slot. @throws ChainError `unreachable`, `rpc`, `aborted`, `closed` */
  async accounts(addresses: readonly Address[], options: ReadOptions = {}): Promise<AccountsAtSlot> {
    if (addresses.length > MOST_ACCOUNTS_AT_ONCE) {
      throw new ChainError("bad-argument", `${addresses.length} accounts at once, at most ${MOST_ACCOUNTS_AT_ONCE} can be asked for`);
    }
    const config = {
      encoding: "base64",
      commitment: this.commitment,
      ...(options.slice && { dataSlice: options.slice }),
      ...(options.minSlot !== undefined && { minContextSlot: Number(options.minSlot) }),
    };
    const result = await this.pool.call("getMultipleAccounts", [[...addresses], config], options.signal);
    const values = list(field(result, "value"), "accounts");
    if (values.length !== addresses.length) throw new ChainError("rpc", `asked for ${addresses.length} accounts, got ${values.length}`);
    return { slot: integer(field(field(result, "context"), "slot"), "the answer's slot"), accounts: values.map(account) };
  }

  /** Accounts of a program that match all filters. @throws as `accounts` */
  async programAccounts(
    program: Address,
    filters: unknown[],
    options: ReadOptions = {},
  ): Promise<{ address: Address; account: ChainAccount }[]> {
    const config = { encoding: "base64", commitment: this.commitment, filters, ...(options.slice && { dataSlice: options.slice }) };
    const found = list(await this.pool.call("getProgramAccounts", [program, config], options.signal), "accounts");
    return found.map((one) => {
      const at = string(field(one, "pubkey"), "an address");
      const there = account(field(one, "account"));
      if (!isAddress(at) || there === null) throw unexpected("an account of the program", "an address and an account", at);
      return { address: at, account: there };
    });
  }

  async account(address: Address, options: ReadOptions = {}): Promise<ChainAccount | null> {
    const { accounts } = await this.accounts([address], options);
    return accounts[0];
  }

  /**
   * Hears of every change of the account, of some more than once and not always in order; at once of what it is now.
   * Returns the undo.
   */
  watch(address: Address, listener: AccountListener): () => void {
    if (this.#closing.signal.aborted) throw new ChainError("closed", "this cluster client was closed");
    let listeners = this.#watched.get(address);
    if (listeners === undefined) {
      this.#watched.set(address, (listeners = new Set()));
      for (const socket of this.#sockets) socket.watch(address);
    }
    listeners.add(listener);
    this.#pollNow();
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#watched.delete(address);
      for (const socket of this.#sockets) socket.unwatch(address);
    };
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new ChainError("closed", "this cluster client was closed"));
    this.#watched.clear();
    this.pool.close();
    await Promise.all([...this.#sockets.map((socket) => socket.close()), this.#polling]);
  }

  #opened(index: number, isOpen: boolean): void {
    if (this.#closing.signal.aborted) return;
    if (isOpen) this.#open.add(index);
    else this.#open.delete(index);
    // a new subscription tells only what changes after it, and a lost one has told its last
    this.#pollNow();
    this.#onStatus(this.status());
  }

  #update(address: Address, update: AccountUpdate): void {
    for (const listener of this.#watched.get(address) ?? []) {
      try {
        listener(update);
      } catch (error) {
        // a listener's fault is its owner's to hear of, and no reason to stop watching
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  async #poll(): Promise<void> {
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      const hurry = new AbortController();
      this.#pollNow = () => hurry.abort();
      const addresses = [...this.#watched.keys()].slice(0, MOST_ACCOUNTS_AT_ONCE);
      if (addresses.length > 0) {
        try {
          const { slot, accounts } = await this.accounts(addresses, { signal: closing });
          addresses.forEach((address, index) => this.#update(address, { slot, account: accounts[index] }));
        } catch (error) {
          if (!(error instanceof ChainError)) throw error;
        }
      }
      const rest = this.#open.size > 0 ? CALM_POLL_MS : BLIND_POLL_MS;
      await wait(rest, AbortSignal.any([closing, hurry.signal])).catch(() => {});
    }
  }
}
