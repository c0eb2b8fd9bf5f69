import { realScheduler, type Scheduler } from "./clock.ts";
import { MemoryNetwork } from "./memory.ts";
import { NetworkError, throwUncaught } from "./errors.ts";
import { keyHex, type PeerKey } from "./port.ts";
import { seededRandom } from "./random.ts";

export interface MemoryFaults {
  /** One way, each message, milliseconds: uniform between the two. */
  delayMs: [number, number];
  /** Probability that one receiver misses one gossip message. */
  dropGossip: number;
  /** Probability that one receiver gets a gossip message twice. */
  duplicateGossip: number;
  /** Probability that a gossip message may overtake earlier ones of the same sender. */
  reorderGossip: number;
}

export interface MemoryHubOptions {
  /** Every delay and fault is drawn from it: same seed, same program, same run. */
  seed: number;
  scheduler?: Scheduler;
  faults?: Partial<MemoryFaults>;
  /** Told of what a gossip handler throws. Default: throws it where nobody can catch it. */
  onError?: (error: unknown) => void;
}

/** A request or subscription under way between two peers. */
export interface MemoryCall {
  from: string;
  to: string;
  fail: (error: NetworkError) => void;
}

/** "silent": takes requests and never answers. "error": answers each with an error. */
export type ServiceFault = "silent" | "error";

/**
 * A whole network in one process: what `MemoryNetwork`s share. Peers are connected as soon as each allows the other and
 * one of them names the other; there is nothing to dial. A partition cuts the connections across it at once.
 */
export class MemoryHub {
  /** May be changed at any time; holds for messages sent afterwards. */
  readonly faults: MemoryFaults;
  readonly scheduler: Scheduler;
  readonly onError: (error: unknown) => void;
  readonly networks = new Map<string, MemoryNetwork>();
  readonly calls = new Set<MemoryCall>();
  readonly #random: () => number;
  #groupOf: Map<string, number> | null = null;
  readonly #serviceFaults = new Map<string, ServiceFault>();
  /** Ordered messages under way, by "from>to". */
  readonly #links = new Map<string, { lastDeliveryMs: number; queue: (() => void)[] }>();

  constructor(options: MemoryHubOptions) {
    this.#random = seededRandom(options.seed);
    this.scheduler = options.scheduler ?? realScheduler();
    this.faults = { delayMs: [1, 5], dropGossip: 0, duplicateGossip: 0, reorderGossip: 0, ...options.faults };
    this.onError = options.onError ?? throwUncaught;
  }

  /** Adds a peer. A key that left may come back. */
  join(peerId: PeerKey, options: { allowAll?: boolean } = {}): MemoryNetwork {
    const hex = keyHex(peerId);
    if (this.networks.has(hex)) throw new NetworkError("malformed", `peer ${hex.slice(0, 8)} is already on this hub`);
    const network = new MemoryNetwork(this, peerId, options.allowAll ?? false);
    this.networks.set(hex, network);
    return network;
  }

  /** Peers of different groups cannot reach each other; a peer in no group reaches nobody. `heal()` ends it. */
  partition(groups: readonly (readonly PeerKey[])[]): void {
    this.#groupOf = new Map(groups.flatMap((group, index) => group.map((key) => [keyHex(key), index] as const)));
    this.connectionsChanged();
  }

  heal(): void {
    this.#groupOf = null;
  }

  /** `peer` announces but never serves `protocol`. Returns the undo. */
  neverServe(peer: PeerKey, protocol: string, fault: ServiceFault = "silent"): () => void {
    const name = `${keyHex(peer)} ${protocol}`;
    this.#serviceFaults.set(name, fault);
    return () => this.#serviceFaults.delete(name);
  }

  serviceFault(hex: string, protocol: string): ServiceFault | undefined {
    return this.#serviceFaults.get(`${hex} ${protocol}`);
  }

  /** The process died: connections break, nothing is said. The key may `join` again. */
  kill(peer: PeerKey): void {
    this.leave(keyHex(peer));
  }

  leave(hex: string): void {
    const network = this.networks.get(hex);
    this.networks.delete(hex);
    network?.markStopped();
    this.connectionsChanged();
  }

  areConnected(a: string, b: string): boolean {
    const left = this.networks.get(a);
    const right = this.networks.get(b);
    if (left === undefined || right === undefined || a === b) return false;
    if (this.#groupOf !== null) {
      const group = this.#groupOf.get(a);
      if (group === undefined || group !== this.#groupOf.get(b)) return false;
    }
    return left.peers.allows(b) && right.peers.allows(a) && (left.wants(b) || right.wants(a));
  }

  /** Fails what was under way between peers that are no longer connected. */
  connectionsChanged(): void {
    for (const call of this.calls) {
      if (!this.areConnected(call.from, call.to)) {
        call.fail(new NetworkError("unreachable", `peer ${call.to.slice(0, 8)} hung up`));
      }
    }
  }

  /** Delivers one part of an ordered, reliable exchange; `bytes` is what traffic() counts. Dropped if the connection is gone by then. */
  deliver(from: string, to: string, task: () => void, bytes = 0): void {
    this.#send(from, to, true, task, bytes);
  }

  /** Delivers a gossip message, or two, or none. */
  gossip(from: string, to: string, task: () => void, bytes = 0): void {
    const { dropGossip, duplicateGossip, reorderGossip } = this.faults;
    if (this.#random() < dropGossip) return;
    const copies = this.#random() < duplicateGossip ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#send(from, to, this.#random() >= reorderGossip, task, bytes);
  }

  #send(from: string, to: string, ordered: boolean, task: () => void, bytes: number): void {
    const [minMs, maxMs] = this.faults.delayMs;
    const nowMs = this.scheduler.now();
    const delayMs = minMs + this.#random() * (maxMs - minMs);
    const ends = [this.networks.get(from), this.networks.get(to)];
    const arrive = (): void => {
      // A peer that restarted meanwhile has other connections: what was sent on the old ones is lost.
      const isSameConnection = this.networks.get(from) === ends[0] && this.networks.get(to) === ends[1];
      if (!isSameConnection || !this.areConnected(from, to)) return;
      ends[0]!.sentTo(to, bytes);
      ends[1]!.receivedFrom(from, bytes);
      task();
    };
    if (!ordered) {
      this.scheduler.schedule(delayMs, arrive);
      return;
    }
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) this.#links.set(name, (link = { lastDeliveryMs: 0, queue: [] }));
    link.lastDeliveryMs = Math.max(link.lastDeliveryMs, nowMs + delayMs);
    link.queue.push(arrive);
    const { queue } = link;
    // Each timer delivers the oldest message, not its own: real timers round, and so may fire out of order.
    this.scheduler.schedule(link.lastDeliveryMs - nowMs, () => queue.shift()?.());
  }
}
