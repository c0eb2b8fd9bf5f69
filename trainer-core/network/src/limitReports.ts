import { keyHex, type PeerKey } from "./port.ts";

/** A limit of `limits.ts` that somebody ran into. */
export type LimitName =
  | "connections"
  | "connections-per-host"
  | "connections-per-peer"
  | "strangers-per-host"
  | "upgrades"
  | "upgrades-per-host"
  | "gossip-rate"
  | "gossip-junk"
  | "request-rate"
  /** A peer that went on was hung up, and is refused for a minute or more. */
  | "cut-off";

export interface LimitHit {
  limit: LimitName;
  /** Whose doing it was: a proven peer, or else the address that it came from; both null where it was everyone's together. */
  peer: PeerKey | null;
  host: string | null;
  /** Times since the last report of the same limit and culprit. */
  count: number;
}

/** A culprit is reported at its first hit, then no more often than this. */
const reportEveryMs = 5_000;
/** A flood from many addresses must not grow the table: those above it are counted together, without a culprit. */
const maxCulprits = 1024;

interface Culprit {
  hit: LimitHit;
  nextAtMs: number;
}

/** Turns a flood of hits into a few reports. Needs no timer: what is still uncounted is told with the next hit. */
export class LimitReports {
  readonly #onLimit: (hit: LimitHit) => void;
  readonly #culprits = new Map<string, Culprit>();

  constructor(onLimit: (hit: LimitHit) => void = () => {}) {
    this.#onLimit = onLimit;
  }

  hit(limit: LimitName, by: { peer?: PeerKey; host?: string } = {}): void {
    const nowMs = performance.now();
    let name = `${limit} ${by.peer === undefined ? (by.host ?? "") : keyHex(by.peer)}`;
    if (!this.#culprits.has(name) && this.#culprits.size >= maxCulprits) this.#forgetQuiet(nowMs);
    if (!this.#culprits.has(name) && this.#culprits.size >= maxCulprits) {
      name = limit;
      by = {};
    }
    let culprit = this.#culprits.get(name);
    if (culprit === undefined) {
      culprit = { hit: { limit, peer: by.peer?.slice() ?? null, host: by.host ?? null, count: 0 }, nextAtMs: 0 };
      this.#culprits.set(name, culprit);
    }
    culprit.hit.count++;
    if (nowMs < culprit.nextAtMs) return;
    culprit.nextAtMs = nowMs + reportEveryMs;
    const report = { ...culprit.hit };
    culprit.hit.count = 0;
    this.#onLimit(report);
  }

  #forgetQuiet(nowMs: number): void {
    for (const [name, { nextAtMs }] of this.#culprits) if (nextAtMs <= nowMs) this.#culprits.delete(name);
  }
}
