/** Holds at most `burst` tokens and gains `perSecond`. Time in milliseconds, from any clock. */
export class TokenBucket {
  perSecond: number;
  burst: number;
  #tokens: number;
  #atMs: number;

  constructor({ perSecond, burst }: { perSecond: number; burst: number }, nowMs: number) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Takes `count` tokens, or none and returns false. */
  take(count: number, nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Whether `take` would give them. */
  has(count: number, nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= count;
  }

  /** A full bucket says nothing about its owner: it can be forgotten. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.burst;
  }

  #refill(nowMs: number): void {
    // a wall clock that was set back takes nothing away
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(this.burst, this.#tokens + (passedMs / 1000) * this.perSecond);
    this.#atMs = nowMs;
  }
}

/** One bucket for each name, forgotten when it is full again. */
export class TokenBuckets {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #rate: { perSecond: number; burst: number };
  readonly #maxNames: number;

  /** Above `maxNames` at once, newcomers share one bucket: a flood of names must not grow the table. */
  constructor(rate: { perSecond: number; burst: number }, maxNames = 4096) {
    this.#rate = { perSecond: rate.perSecond, burst: rate.burst };
    this.#maxNames = maxNames;
  }

  take(name: string, count: number, nowMs: number): boolean {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#maxNames) this.#forgetFull(nowMs);
      if (this.#buckets.size >= this.#maxNames) name = "";
      bucket = this.#buckets.get(name) ?? new TokenBucket(this.#rate, nowMs);
      this.#buckets.set(name, bucket);
    }
    return bucket.take(count, nowMs);
  }

  /** Whether `take` would give them. */
  has(name: string, count: number, nowMs: number): boolean {
    return (this.#buckets.get(name) ?? this.#buckets.get(""))?.has(count, nowMs) ?? true;
  }

  /** The rate changed. What was used stays used. */
  setRate(rate: { perSecond: number; burst: number }): void {
    Object.assign(this.#rate, rate);
    for (const bucket of this.#buckets.values()) {
      bucket.perSecond = rate.perSecond;
      bucket.burst = rate.burst;
    }
  }

  get size(): number {
    return this.#buckets.size;
  }

  #forgetFull(nowMs: number): void {
    for (const [name, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(name);
  }
}
