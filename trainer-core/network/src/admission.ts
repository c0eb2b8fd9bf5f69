import type { Connection, MultiaddrConnection } from "@libp2p/interface";
import type { ConnectionGuard, Socket } from "./guardedTransport.ts";
import type { LimitName, LimitReports } from "./limitReports.ts";
import { connectionLimits, rateLimits } from "./limits.ts";
import { bytesOf, hexOf, hostOf, hostOfIp } from "./peerIds.ts";
import { TokenBucket, TokenBuckets } from "./tokenBucket.ts";
import type { TrafficLedger } from "./traffic.ts";
import { UnderWay } from "./underWay.ts";

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
  /** Handshakes, and sockets whose handshake has not begun. */
  readonly #underWay: UnderWay;
  /** Of sockets whose handshake has not begun, by "host port": what to call when it begins. */
  readonly #arrived = new Map<string, () => void>();
  readonly #handshakesOfHost = new TokenBuckets(rateLimits.handshakesPerHost);
  readonly #handshakes: TokenBucket;
  /** In order of opening. */
  readonly #opened = new Map<string, Opened>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#handshakes = new TokenBucket(rateLimits.handshakes, this.#now());
    this.#underWay = new UnderWay(
      { perHost: connectionLimits.upgradesPerHost.value, most: connectionLimits.upgrades.value },
      (host, limit) => options.reports.hit(limit, { host }),
    );
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

  /** libp2p waits for ever for the first byte, and for the headers, of a WebSocket: one that stays silent must not hold a descriptor. */
  arrived(socket: Socket): void {
    const host = hostOfIp(socket.remoteAddress ?? "");
    const name = `${host} ${socket.remotePort}`;
    const ended = this.#underWay.begin(host, () => socket.destroy());
    const timer = setTimeout(() => {
      socket.destroy();
      begun(); // one that was closed before it came here says so no more
    }, connectionLimits.upgradeMs.value);
    const begun = (): void => {
      clearTimeout(timer);
      ended();
      if (this.#arrived.get(name) === begun) this.#arrived.delete(name);
    };
    this.#arrived.set(name, begun);
    socket.once("close", begun);
  }

  admit(connection: MultiaddrConnection): () => void {
    const host = hostOf(connection.remoteAddr);
    const port = connection.remoteAddr.getComponents().find(({ name }) => name === "tcp")?.value;
    this.#arrived.get(`${host} ${port}`)?.();
    if (!this.isWelcome(host)) throw new Error(`refused a connection from ${host}: over its limits`);
    this.#handshakesOfHost.take(host, 1, this.#now());
    this.#handshakes.take(1, this.#now());
    return this.#underWay.begin(host, () => connection.abort(new Error(`too many handshakes under way from ${host}`)));
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
}

function hangUp({ connection }: Opened): void {
  connection.abort(new Error("too many connections"));
}
