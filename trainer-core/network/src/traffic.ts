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
    if ("peerConnection" in connection) {
      trackChannels(connection.peerConnection as PeerConnection, bytes);
      return;
    }
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

/** What is used of an `RTCPeerConnection`: nothing of WebRTC's goes through libp2p's connection, each stream is a channel. */
interface PeerConnection {
  createDataChannel(...options: unknown[]): DataChannel;
  addEventListener(type: "datachannel", listener: (event: { channel: DataChannel }) => void): void;
}

interface DataChannel {
  send(data: { byteLength: number }): void;
  addEventListener(type: "message", listener: (event: { data: { byteLength?: number } }) => void): void;
}

function trackChannels(connection: PeerConnection, bytes: Bytes): void {
  const track = (channel: DataChannel): void => {
    const send = channel.send.bind(channel);
    channel.send = (data) => {
      bytes.sent += data.byteLength;
      send(data);
    };
    channel.addEventListener("message", ({ data }) => (bytes.received += data.byteLength ?? 0));
  };
  const create = connection.createDataChannel.bind(connection);
  connection.createDataChannel = (...options) => {
    const channel = create(...options);
    track(channel);
    return channel;
  };
  connection.addEventListener("datachannel", ({ channel }) => track(channel));
}
