/** A tab's places at relays: through them other tabs find it, and it finds them. */
import type { Connection, PeerId } from "@libp2p/interface";
import { RELAY_V2_HOP_CODEC } from "@libp2p/circuit-relay-v2";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { Libp2p } from "libp2p";
import { connectionLimits, relayLimits } from "./limits.ts";
import { isRelayed } from "./peerIds.ts";

const tickMs = 1_000;
/** After a relay refused us: we may not be its member yet. */
const retryMs = 3_000;

/** What is used of the circuit transport: `@libp2p/circuit-relay-v2` exports its factory only. */
export interface CircuitTransport {
  reservationStore: {
    addRelay(peer: PeerId, type: "configured"): Promise<unknown>;
    hasReservation(peer: PeerId): boolean;
  };
}

/**
 * Keeps a reservation at some of the relays that we are connected to: when one is lost, another takes its place.
 * libp2p's own search reserves once and does not come back to a relay that said no.
 */
export class RelaySeats {
  readonly #node: Libp2p;
  readonly #circuit: CircuitTransport;
  /** When a relay may be asked again, by peer id. */
  readonly #notBeforeMs = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isBusy = false;

  constructor(node: Libp2p, circuit: CircuitTransport) {
    this.#node = node;
    this.#circuit = circuit;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), tickMs);
    this.#node.addEventListener("peer:identify", this.#onIdentify);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#node.removeEventListener("peer:identify", this.#onIdentify);
  }

  /** Where other tabs reach this one, one address a relay. */
  addresses(): Multiaddr[] {
    return this.#relays()
      .filter(({ remotePeer }) => this.#circuit.reservationStore.hasReservation(remotePeer))
      .map((relay) => through(relay, this.#node.peerId));
  }

  /** Ways to a tab whose addresses nobody told: through relays that we are connected to, where it may have its place; at random. */
  async waysTo(peer: PeerId): Promise<Multiaddr[]> {
    const relays: Connection[] = [];
    for (const relay of this.#relays()) {
      if (!relay.remotePeer.equals(peer) && (await this.#isRelay(relay.remotePeer))) relays.push(relay);
    }
    return shuffled(relays)
      .slice(0, connectionLimits.addressesPerPeer.value)
      .map((relay) => through(relay, peer));
  }

  readonly #onIdentify = (): void => void this.#tick();

  async #tick(): Promise<void> {
    if (this.#isBusy || this.#node.status !== "started") return;
    this.#isBusy = true;
    try {
      const connected = this.#relays();
      const has = (peer: PeerId): boolean => this.#circuit.reservationStore.hasReservation(peer);
      let seats = connected.filter(({ remotePeer }) => has(remotePeer)).length;
      for (const { remotePeer } of shuffled(connected)) {
        if (seats >= relayLimits.relaysPerTab.value) break;
        if (has(remotePeer) || !(await this.#mayAsk(remotePeer))) continue;
        try {
          await this.#circuit.reservationStore.addRelay(remotePeer, "configured");
          seats++;
        } catch {
          // It is full, does not know us yet, or is gone: it may be asked again.
          this.#notBeforeMs.set(remotePeer.toString(), performance.now() + retryMs);
        }
      }
      this.#forget(connected);
    } finally {
      this.#isBusy = false;
    }
  }

  async #mayAsk(peer: PeerId): Promise<boolean> {
    const notBeforeMs = this.#notBeforeMs.get(peer.toString()) ?? 0;
    return performance.now() >= notBeforeMs && (await this.#isRelay(peer));
  }

  async #isRelay(peer: PeerId): Promise<boolean> {
    try {
      return (await this.#node.peerStore.get(peer)).protocols.includes(RELAY_V2_HOP_CODEC);
    } catch {
      return false;
    }
  }

  #forget(connected: readonly Connection[]): void {
    const here = new Set(connected.map(({ remotePeer }) => remotePeer.toString()));
    for (const peer of this.#notBeforeMs.keys()) if (!here.has(peer)) this.#notBeforeMs.delete(peer);
  }

  /** One direct connection of each peer that we have one to. Whom we dialled can be dialled by others. */
  #relays(): Connection[] {
    const byPeer = new Map<string, Connection>();
    for (const connection of this.#node.getConnections()) {
      if (connection.direction === "outbound" && connection.status === "open" && !isOfTab(connection)) {
        byPeer.set(connection.remotePeer.toString(), connection);
      }
    }
    return [...byPeer.values()];
  }
}

/** To another tab: relayed, or made through a relay. */
function isOfTab({ limits, remoteAddr }: Connection): boolean {
  return limits !== undefined || isRelayed(remoteAddr) || remoteAddr.getComponents().some(({ name }) => name === "webrtc");
}

function through({ remoteAddr, remotePeer }: Connection, peer: PeerId): Multiaddr {
  const relay = remoteAddr.toString().replace(/\/p2p\/[^/]+$/, "");
  return multiaddr(`${relay}/p2p/${remotePeer}/p2p-circuit/webrtc/p2p/${peer}`);
}

function shuffled<T>(items: readonly T[]): T[] {
  const order = crypto.getRandomValues(new Uint32Array(items.length));
  return items
    .map((item, i) => ({ item, at: order[i] }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
