import type { Connection, MultiaddrConnection } from "@libp2p/interface";
import type { ConnectionGuard } from "./guardedTransport.ts";
import type { LimitName, LimitReports } from "./limitReports.ts";
import { connectionLimits, rateLimits } from "./limits.ts";
import { bytesOf, hexOf, hostOf } from "./peerIds.ts";
import { TokenBucket, TokenBuckets } from "./tokenBucket.ts";
import type { TrafficLedger } from "./traffic.ts";

export interface AdmissionOptions {
  traffic: TrafficLedger;
  reports: LimitReports;
  /** Listed or pinned, so no stranger. */
  isNamed: (hex: string) => boolean;
  now?: () => number;
}

interface Opened {
  connection: Connection;
  /** null: not ed25519 */
  hex: string | null;
  host: string;
}

/**
 * Who gets a handshake, and which connections are kept. A peer's key is known only after the handshake, so before it hosts
 * are limited, and after it peers. Connections that we dial are not counted against their host: a member stays reachable,
 * through our own dialling, whatever else comes from its address.
 */
export class Admission implements ConnectionGuard {
  readonly #options: AdmissionOptions;
  readonly #now: () => number;
  /** Handshakes under way by host, the oldest first. */
  readonly #upgrades = new Map<string, Set<MultiaddrConnection>>();
  readonly #handshakesOfHost = new TokenBuckets(rateLimits.handshakesPerHost);
  readonly #handshakes: TokenBucket;
  /** In order of opening. */
  readonly #opened = new Map<string, Opened>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#handshakes = new TokenBucket(rateLimits.handshakes, this.#now());
  }

  track(connection: MultiaddrConnection): void {
    this.#options.traffic.track(connection);
  }

  isWelcome(host: string): boolean {
    const limit = this.#limitOver(host);
    if (limit !== null) this.#options.reports.hit(limit, { host });
    return limit === null;
  }

  #limitOver(host: string): LimitName | null {
    const nowMs = this.#now();
    if (!this.#handshakesOfHost.has(host, 1, nowMs)) return "upgrades-per-host";
    if (!this.#handshakes.has(1, nowMs)) return "upgrades";
    if (this.#opened.size >= connectionLimits.connections.value) return "connections";
    let ofHost = 0;
    for (const opened of this.#opened.values()) if (opened.host === host && opened.connection.direction === "inbound") ofHost++;
    return ofHost >= connectionLimits.connectionsPerHost.value ? "connections-per-host" : null;
  }

  admit(connection: MultiaddrConnection): () => void {
    const host = hostOf(connection.remoteAddr);
    if (!this.isWelcome(host)) throw new Error(`refused a connection from ${host}: over its limits`);
    this.#handshakesOfHost.take(host, 1, this.#now());
    this.#handshakes.take(1, this.#now());
    const waiting = this.#upgrades.get(host) ?? new Set();
    this.#upgrades.set(host, waiting);
    if (waiting.size >= connectionLimits.upgradesPerHost.value) this.#dropOldestUpgrade(host, "upgrades-per-host");
    let total = 0;
    for (const { size } of this.#upgrades.values()) total += size;
    if (total >= connectionLimits.upgrades.value) {
      const [most] = [...this.#upgrades].reduce((a, b) => (b[1].size > a[1].size ? b : a));
      this.#dropOldestUpgrade(most, "upgrades");
    }
    waiting.add(connection);
    return () => {
      waiting.delete(connection);
      if (waiting.size === 0 && this.#upgrades.get(host) === waiting) this.#upgrades.delete(host);
    };
  }

  /** The handshake has succeeded: makes room for the newcomer. */
  opened(connection: Connection): void {
    const { reports } = this.#options;
    const entry: Opened = { connection, hex: hexOf(connection.remotePeer), host: hostOf(connection.remoteAddr) };
    this.#opened.set(connection.id, entry);
    connection.addEventListener("close", () => this.#opened.delete(connection.id), { once: true });
    if (connection.status !== "open") {
      this.#opened.delete(connection.id);
      return;
    }
    const all = [...this.#opened.values()];
    const ofPeer = all.filter(({ hex }) => hex === entry.hex);
    if (ofPeer.length > connectionLimits.connectionsPerPeer.value) {
      reports.hit("connections-per-peer", entry.hex === null ? { host: entry.host } : { peer: bytesOf(entry.hex) });
      hangUp(ofPeer[0]);
    }
    if (!this.#isStranger(entry)) return;
    const strangers = all.filter((opened) => this.#isStranger(opened));
    const ofHost = strangers.filter(({ host }) => host === entry.host);
    if (ofHost.length > connectionLimits.strangersPerHost.value) {
      reports.hit("strangers-per-host", { host: entry.host });
      hangUp(ofHost[0]);
    } else if (strangers.length > connectionLimits.strangers.value) {
      reports.hit("strangers-per-host", { host: entry.host });
      hangUp(strangers[0]);
    }
  }

  #isStranger({ hex }: Opened): boolean {
    return hex === null || !this.#options.isNamed(hex);
  }

  #dropOldestUpgrade(host: string, limit: "upgrades" | "upgrades-per-host"): void {
    this.#options.reports.hit(limit, { host });
    const [oldest] = this.#upgrades.get(host) ?? [];
    this.#upgrades.get(host)?.delete(oldest);
    oldest.abort(new Error(`too many handshakes under way from ${host}`));
  }
}

function hangUp({ connection }: Opened): void {
  connection.abort(new Error("too many connections"));
}
