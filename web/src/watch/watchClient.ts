/** The page's side of the Worker that follows runs: one Worker while anybody looks, started with the first and ended after the last. */
import { inOrder, mergePoints } from "./historyStore.ts";
import {
  type Connection,
  type FromWatcher,
  type HistoryInfo,
  type HistoryPoint,
  keyText,
  type RunKey,
  type RunSummary,
  type RunTransaction,
  type RunView,
  type ToWatcher,
} from "./protocol.ts";

export interface WatchConfig {
  clusters: Extract<ToWatcher, { type: "start" }>["clusters"];
  coordinators: Extract<ToWatcher, { type: "start" }>["coordinators"];
}

/** What is known of a run; a new object with every change. */
export interface RunFeedState {
  view: RunView | null;
  connection: Connection;
  /** by step, without those that time contradicts */
  points: readonly HistoryPoint[];
  outOfOrder: number;
  info: HistoryInfo | null;
  transactions: readonly RunTransaction[];
}

export interface ListState {
  /** by source */
  runs: ReadonlyMap<string, readonly RunSummary[]>;
  connections: ReadonlyMap<string, Connection>;
}

/** What `WatchClient` needs of a Worker. */
export interface WatchPort {
  postMessage(message: ToWatcher): void;
  terminate(): void;
  onmessage: ((event: { data: FromWatcher }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
}

const CONNECTING: Connection = { kind: "connecting", isFailing: false, text: "connecting" };
const EMPTY_RUN: RunFeedState = { view: null, connection: CONNECTING, points: [], outOfOrder: 0, info: null, transactions: [] };
const EMPTY_LIST: ListState = { runs: new Map(), connections: new Map() };
/** From one page to the next the Worker stays. */
const LINGER_MS = 10_000;

interface Followed {
  key: RunKey;
  state: RunFeedState;
  merged: readonly HistoryPoint[];
  listeners: Set<() => void>;
}

export class WatchClient {
  readonly #config: WatchConfig;
  readonly #makeWorker: () => WatchPort;
  readonly #followed = new Map<string, Followed>();
  readonly #listListeners = new Set<() => void>();
  #list: ListState = EMPTY_LIST;
  #worker: WatchPort | null = null;
  #linger: ReturnType<typeof setTimeout> | null = null;
  #failures = 0;

  constructor(config: WatchConfig, makeWorker: () => WatchPort) {
    this.#config = config;
    this.#makeWorker = makeWorker;
  }

  run(key: RunKey): RunFeedState {
    return this.#followed.get(keyText(key))?.state ?? EMPTY_RUN;
  }

  list(): ListState {
    return this.#list;
  }

  /** Returns the undo. */
  follow(key: RunKey, listener: () => void): () => void {
    const text = keyText(key);
    let followed = this.#followed.get(text);
    if (followed === undefined) {
      this.#followed.set(text, (followed = { key, state: EMPTY_RUN, merged: [], listeners: new Set() }));
      this.#tell({ type: "follow", key });
    }
    const { listeners } = followed;
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#followed.delete(text);
      this.#tell({ type: "unfollow", key });
      this.#lingerIfIdle();
    };
  }

  /** Returns the undo. */
  followList(listener: () => void): () => void {
    if (this.#listListeners.size === 0) this.#tell({ type: "list" });
    this.#listListeners.add(listener);
    return () => {
      if (!this.#listListeners.delete(listener) || this.#listListeners.size > 0) return;
      this.#tell({ type: "unlist" });
      this.#lingerIfIdle();
    };
  }

  older(key: RunKey): void {
    this.#tell({ type: "older", key });
  }

  /** The page was out of sight for long: connections may be dead without knowing it. */
  wake(): void {
    this.#worker?.postMessage({ type: "wake" });
  }

  /** Ends the Worker; whoever still listens hears nothing more. */
  close(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
    this.#worker?.terminate();
    this.#worker = null;
  }

  #tell(message: ToWatcher): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#linger = null;
    if (this.#worker === null) {
      const worker = this.#makeWorker();
      worker.onmessage = ({ data }) => this.#hear(data);
      worker.onerror = ({ message }) => this.#failed(message ?? "the Worker that follows runs could not be started");
      worker.postMessage({ type: "start", clusters: this.#config.clusters, coordinators: this.#config.coordinators });
      this.#worker = worker;
    }
    this.#worker.postMessage(message);
  }

  #lingerIfIdle(): void {
    if (this.#followed.size > 0 || this.#listListeners.size > 0) return;
    this.#linger ??= setTimeout(() => this.close(), LINGER_MS);
  }

  #hear(message: FromWatcher): void {
    switch (message.type) {
      case "runs": {
        const runs = new Map(this.#list.runs).set(message.source, message.runs);
        const connections = new Map(this.#list.connections).set(message.source, message.connection);
        this.#list = { runs, connections };
        for (const listener of this.#listListeners) listener();
        return;
      }
      case "run":
        return this.#change(message.key, ({ state }) => {
          const config = message.isSameConfig ? (state.view?.config ?? null) : (message.view?.config ?? null);
          return { view: message.view && { ...message.view, config }, connection: message.connection };
        });
      case "history":
        return this.#change(message.key, (followed) => {
          const { points, info, transactions } = message;
          followed.merged = mergePoints(message.isWhole ? [] : followed.merged, points);
          const ordered = points.length === 0 && !message.isWhole ? {} : inOrder(followed.merged);
          return { ...ordered, info, transactions };
        });
      default:
        return message satisfies never;
    }
  }

  #change(key: RunKey, change: (followed: Followed) => Partial<RunFeedState>): void {
    const followed = this.#followed.get(keyText(key));
    // told before the Worker heard that nobody follows any more
    if (followed === undefined) return;
    followed.state = { ...followed.state, ...change(followed) };
    for (const listener of followed.listeners) listener();
  }

  /** A Worker that failed is replaced: what is shown stays, and says since when. */
  #failed(text: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    const connection: Connection = {
      kind: "stale",
      sinceMs: Date.now(),
      text: `What follows the run stopped: ${text}. It is started again.`,
    };
    this.#list = { ...this.#list, connections: new Map([...this.#list.connections.keys()].map((source) => [source, connection])) };
    for (const { key } of this.#followed.values()) this.#change(key, () => ({ connection }));
    for (const listener of this.#listListeners) listener();
    this.#failures += 1;
    setTimeout(() => this.#startAgain(), Math.min(1_000 * 2 ** this.#failures, 60_000));
  }

  /** Also where somebody wanted something meanwhile: that Worker knows of nothing else, and hears twice of nothing. */
  #startAgain(): void {
    for (const { key } of this.#followed.values()) this.#tell({ type: "follow", key });
    if (this.#listListeners.size > 0) this.#tell({ type: "list" });
  }
}
