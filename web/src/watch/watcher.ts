/**
 * What the Worker does, free of the Worker: who is listed and followed, on which source. Sources are made when they are
 * wanted, kept for a moment after, and made anew when the machine may have slept; what is known of a run outlives that.
 */
import { ListChannel, RunChannel } from "./channels.ts";
import { LazySource } from "./lazySource.ts";
import { coordinatorIndex, type FromWatcher, keyText, type RunKey, type ToWatcher } from "./protocol.ts";
import type { Feed, RunFeed, Source } from "./source.ts";

/** From one page to the next the connections stay. */
const LINGER_MS = 5_000;
/** A clock that jumps by more was stopped: the machine slept, or the browser froze the page. */
const JUMP_MS = 8_000;
const CLOCK_EVERY_MS = 1_000;

interface Followed {
  channel: RunChannel;
  feed: RunFeed | null;
}

interface Listed {
  channel: ListChannel;
  feed: Feed | null;
}

interface Place {
  source: Source | null;
  linger: ReturnType<typeof setTimeout> | null;
}

export class Watcher {
  readonly #post: (message: FromWatcher) => void;
  readonly #followed = new Map<string, Followed>();
  readonly #listed = new Map<string, Listed>();
  readonly #places = new Map<string, Place>();
  readonly #clock: ReturnType<typeof setInterval>;
  #config: Extract<ToWatcher, { type: "start" }> = { type: "start", clusters: [], coordinators: [] };
  #lastMs = Date.now();

  constructor(post: (message: FromWatcher) => void) {
    this.#post = post;
    this.#clock = setInterval(() => this.#noticeJump(), CLOCK_EVERY_MS);
  }

  take(message: ToWatcher): void {
    switch (message.type) {
      case "start":
        this.#config = message;
        return;
      case "list":
        return this.#list();
      case "unlist":
        for (const source of this.#listed.keys()) this.#unlist(source);
        return;
      case "follow":
        return this.#follow(message.key);
      case "unfollow":
        return this.#unfollow(message.key);
      case "older":
        this.#followed.get(keyText(message.key))?.feed?.older();
        return;
      case "wake":
        return this.wake();
      default:
        return message satisfies never;
    }
  }

  /** Connections may be dead without knowing it: all are made anew. */
  wake(): void {
    for (const [name, place] of this.#places) {
      void place.source?.close();
      place.source = null;
      for (const listed of this.#listed.values()) {
        if (listed.channel.source !== name) continue;
        listed.feed?.stop();
        listed.feed = this.#source(name, listed.channel)?.list(listed.channel) ?? null;
      }
      for (const followed of this.#followed.values()) {
        const { source, runId } = followed.channel.key;
        if (source !== name) continue;
        followed.feed?.stop();
        followed.feed = this.#source(name, followed.channel)?.follow(runId, followed.channel) ?? null;
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#clock);
    for (const { channel, feed } of [...this.#followed.values(), ...this.#listed.values()]) {
      channel.stop();
      feed?.stop();
    }
    const places = [...this.#places.values()];
    this.#places.clear();
    await Promise.all(
      places.map(async ({ source, linger }) => {
        if (linger !== null) clearTimeout(linger);
        await source?.close();
      }),
    );
  }

  #list(): void {
    const { clusters, coordinators } = this.#config;
    for (const name of [...coordinators.map((_, index) => `tcp-${index}`), ...clusters.map(({ name }) => name)]) {
      if (this.#listed.has(name)) continue;
      const channel = new ListChannel(name, this.#post);
      this.#listed.set(name, { channel, feed: this.#source(name, channel)?.list(channel) ?? null });
    }
  }

  #unlist(name: string): void {
    const listed = this.#listed.get(name);
    listed?.channel.stop();
    listed?.feed?.stop();
    this.#listed.delete(name);
    this.#lingerIfIdle(name);
  }

  #follow(key: RunKey): void {
    const text = keyText(key);
    if (this.#followed.has(text)) return;
    const channel = new RunChannel(key, this.#post);
    this.#followed.set(text, { channel, feed: this.#source(key.source, channel)?.follow(key.runId, channel) ?? null });
  }

  #unfollow(key: RunKey): void {
    const followed = this.#followed.get(keyText(key));
    followed?.channel.stop();
    followed?.feed?.stop();
    this.#followed.delete(keyText(key));
    this.#lingerIfIdle(key.source);
  }

  /** Null, and said in the channel, where the configuration has no such source. */
  #source(name: string, channel: RunChannel | ListChannel): Source | null {
    let place = this.#places.get(name);
    if (place === undefined) this.#places.set(name, (place = { source: null, linger: null }));
    if (place.linger !== null) clearTimeout(place.linger);
    place.linger = null;
    place.source ??= this.#makeSource(name);
    if (place.source === null)
      channel.setConnection({ kind: "refused", text: `This page is not configured for a source called "${name}".` });
    return place.source;
  }

  #makeSource(name: string): Source | null {
    const { clusters, coordinators } = this.#config;
    const index = coordinatorIndex(name);
    const coordinator = index === null ? undefined : coordinators[index];
    if (coordinator !== undefined) return new LazySource(async () => new (await import("./tcpSource.ts")).TcpSource(coordinator));
    const cluster = clusters.find((one) => one.name === name);
    return cluster === undefined ? null : new LazySource(async () => new (await import("./clusterSource.ts")).ClusterSource(cluster));
  }

  #lingerIfIdle(name: string): void {
    const place = this.#places.get(name);
    const isUsed = this.#listed.has(name) || [...this.#followed.values()].some(({ channel }) => channel.key.source === name);
    if (place === undefined || isUsed || place.linger !== null) return;
    place.linger = setTimeout(() => {
      this.#places.delete(name);
      void place.source?.close();
    }, LINGER_MS);
  }

  #noticeJump(): void {
    const nowMs = Date.now();
    const jumped = nowMs - this.#lastMs > JUMP_MS;
    this.#lastMs = nowMs;
    if (jumped) this.wake();
  }
}
