import type { MultiaddrConnection, PeerId } from "@libp2p/interface";
import { hexOf } from "./peerIds.ts";

interface Bytes {
  received: number;
  sent: number;
}

/** Counts what travels over each transport connection, encryption and framing included, and sums it by peer. */
export class TrafficLedger {
  readonly #ofConnection = new WeakMap<MultiaddrConnection, Bytes>();
  /** By peer, hexadecimal; a peer leaves with its last connection. */
  readonly #ofPeer = new Map<string, { closed: Bytes; connections: Set<Bytes> }>();

  /** Before the handshake. */
  track(connection: MultiaddrConnection): void {
    const bytes: Bytes = { received: 0, sent: 0 };
    this.#ofConnection.set(connection, bytes);
    const send = connection.send.bind(connection);
    connection.send = (data) => {
      bytes.sent += data.byteLength;
      return send(data);
    };
    const onData = (connection as Readable).onData.bind(connection);
    (connection as Readable).onData = (data) => {
      bytes.received += data.byteLength;
      onData(data);
    };
  }

  /** The handshake has proven whose connection it is. */
  assign(peer: PeerId, connection: MultiaddrConnection): void {
    const bytes = this.#ofConnection.get(connection);
    const hex = hexOf(peer);
    if (bytes === undefined || hex === null || connection.status !== "open") return;
    let entry = this.#ofPeer.get(hex);
    if (entry === undefined) this.#ofPeer.set(hex, (entry = { closed: { received: 0, sent: 0 }, connections: new Set() }));
    const { closed, connections } = entry;
    connections.add(bytes);
    connection.addEventListener(
      "close",
      () => {
        connections.delete(bytes);
        closed.received += bytes.received;
        closed.sent += bytes.sent;
        if (connections.size === 0) this.#ofPeer.delete(hex);
      },
      { once: true },
    );
  }

  /** Bytes since the peer's first connection of those that are open without a gap. */
  of(hex: string): Bytes {
    const entry = this.#ofPeer.get(hex);
    if (entry === undefined) return { received: 0, sent: 0 };
    const sum = { ...entry.closed };
    for (const { received, sent } of entry.connections) {
      sum.received += received;
      sum.sent += sent;
    }
    return sum;
  }
}

/** libp2p's connections all derive from AbstractMessageStream, whose `onData` takes what the socket has read. */
type Readable = MultiaddrConnection & { onData(data: { byteLength: number }): void };
