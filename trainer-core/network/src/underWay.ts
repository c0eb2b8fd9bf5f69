/** What hosts have begun and not ended, the oldest first; above its limits the oldest goes, so that newcomers get their turn. */
export class UnderWay {
  readonly #perHost: number;
  readonly #most: number;
  readonly #onDrop: (host: string, limit: "upgrades" | "upgrades-per-host") => void;
  readonly #hosts = new Map<string, Set<() => void>>();
  #size = 0;

  constructor(limits: { perHost: number; most: number }, onDrop: (host: string, limit: "upgrades" | "upgrades-per-host") => void) {
    this.#perHost = limits.perHost;
    this.#most = limits.most;
    this.#onDrop = onDrop;
  }

  /** `drop` ends it, should it have to make room. Returns what to call when it has ended; calling it again does nothing. */
  begin(host: string, drop: () => void): () => void {
    if ((this.#hosts.get(host)?.size ?? 0) >= this.#perHost) this.#dropOldest(host, "upgrades-per-host");
    if (this.#size >= this.#most) {
      const [most] = [...this.#hosts].reduce((a, b) => (b[1].size > a[1].size ? b : a));
      this.#dropOldest(most, "upgrades");
    }
    const ofHost = this.#hosts.get(host) ?? new Set();
    this.#hosts.set(host, ofHost);
    const entry = (): void => drop();
    ofHost.add(entry);
    this.#size++;
    return () => this.#forget(host, entry);
  }

  #forget(host: string, entry: () => void): void {
    const ofHost = this.#hosts.get(host);
    if (!ofHost?.delete(entry)) return;
    this.#size--;
    if (ofHost.size === 0) this.#hosts.delete(host);
  }

  #dropOldest(host: string, limit: "upgrades" | "upgrades-per-host"): void {
    const [oldest] = this.#hosts.get(host)!;
    this.#forget(host, oldest);
    this.#onDrop(host, limit);
    oldest();
  }
}
