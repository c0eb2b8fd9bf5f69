import { firstCutOffMs, longestCutOffMs, rateLimits, strikesPerPenalty } from "./limits.ts";
import { TokenBucket } from "./tokenBucket.ts";

interface Offender {
  strikes: TokenBucket;
  count: number;
  cutOffs: number;
  untilMs: number;
}

export interface OffendersOptions {
  /** Every `strikesPerPenalty` strikes. */
  onPenalty: (hex: string) => void;
  /** The peer is to be hung up; `isCutOff` holds from now on, for `forMs`. */
  onCutOff: (hex: string, forMs: number) => void;
  now?: () => number;
}

/** Peers that went over their limits: first what is over is ignored, then their score falls, then they are cut off for a while. */
export class Offenders {
  readonly #options: OffendersOptions;
  readonly #now: () => number;
  readonly #offenders = new Map<string, Offender>();

  constructor(options: OffendersOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** `weight`: how many it counts for. */
  strike(hex: string, weight = 1): void {
    const nowMs = this.#now();
    let offender = this.#offenders.get(hex);
    if (offender === undefined) {
      this.#forget(nowMs);
      offender = { strikes: new TokenBucket(rateLimits.strikes, nowMs), count: 0, cutOffs: 0, untilMs: 0 };
      this.#offenders.set(hex, offender);
    }
    if (nowMs < offender.untilMs) return;
    const penalties = Math.floor(offender.count / strikesPerPenalty);
    offender.count += weight;
    if (Math.floor(offender.count / strikesPerPenalty) > penalties) this.#options.onPenalty(hex);
    if (offender.strikes.take(weight, nowMs)) return;
    const forMs = Math.min(longestCutOffMs, firstCutOffMs * 2 ** offender.cutOffs);
    offender.cutOffs++;
    offender.untilMs = nowMs + forMs;
    offender.strikes = new TokenBucket(rateLimits.strikes, nowMs);
    this.#options.onCutOff(hex, forMs);
  }

  isCutOff(hex: string): boolean {
    const offender = this.#offenders.get(hex);
    return offender !== undefined && this.#now() < offender.untilMs;
  }

  /** Who behaved for the longest cut-off is forgiven. */
  #forget(nowMs: number): void {
    for (const [hex, { strikes, untilMs }] of this.#offenders) {
      if (strikes.isFull(nowMs) && nowMs > untilMs + longestCutOffMs) this.#offenders.delete(hex);
    }
    if (this.#offenders.size >= 4096) this.#offenders.delete(this.#offenders.keys().next().value!);
  }
}
