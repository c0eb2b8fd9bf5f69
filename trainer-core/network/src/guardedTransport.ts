import type { MultiaddrConnection, Transport, Upgrader } from "@libp2p/interface";
import type { Libp2pTransports } from "./libp2pNode.ts";
import { hostOfIp } from "./peerIds.ts";

/** What wants to see transport connections before their handshake. */
export interface ConnectionGuard {
  /** Whether a connection from this host would be admitted now. Asked before anything is made of a TCP socket. */
  isWelcome(host: string): boolean;
  /** A socket was let in; `admit` follows once its handshake begins. */
  arrived(socket: Socket): void;
  /** Before libp2p spends anything on a connection that others opened. Throws to refuse it. Returns what to call when the handshake has ended. */
  admit(connection: MultiaddrConnection): () => void;
  track(connection: MultiaddrConnection): void;
}

/** A transport whose every connection passes `guard` first. */
export function guardedTransport(create: Libp2pTransports[number], guard: ConnectionGuard): Libp2pTransports[number] {
  return (components) => {
    const transport: Transport = create(components);
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    transport.dial = (address, options) => dial(address, { ...options, upgrader: guarded(options.upgrader, guard) });
    transport.createListener = (options) => {
      const listener = createListener({ ...options, upgrader: guarded(options.upgrader, guard) });
      refuseSockets(listener as TcpListener, guard);
      return listener;
    };
    return transport;
  };
}

/** What is used of a `net.Socket`. */
export interface Socket {
  remoteAddress?: string;
  remotePort?: number;
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** The TCP listener's `net.Server`, which it does not declare. */
interface TcpListener {
  server?: {
    rawListeners(event: "connection"): ((socket: Socket) => void)[];
    removeAllListeners(event: "connection"): void;
    on(event: "connection", listener: (socket: Socket) => void): void;
  };
}

/** A refused connection costs a fifth when libp2p never hears of it. */
function refuseSockets({ server }: TcpListener, guard: ConnectionGuard): void {
  if (server === undefined) return;
  const accept = server.rawListeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket) => {
    if (!guard.isWelcome(hostOfIp(socket.remoteAddress ?? ""))) {
      socket.destroy();
      return;
    }
    guard.arrived(socket);
    for (const each of accept) each.call(server, socket);
  });
}

function guarded(upgrader: Upgrader, guard: ConnectionGuard): Upgrader {
  return {
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    async upgradeInbound(connection, options) {
      const ended = guard.admit(connection);
      try {
        guard.track(connection);
        await upgrader.upgradeInbound(connection, options);
      } finally {
        ended();
      }
    },
    upgradeOutbound(connection, options) {
      guard.track(connection);
      return upgrader.upgradeOutbound(connection, options);
    },
  };
}
