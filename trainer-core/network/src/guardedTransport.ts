import type { MultiaddrConnection, Transport, Upgrader } from "@libp2p/interface";
import type { Libp2pTransports } from "./libp2pNode.ts";
import { relayLimits } from "./limits.ts";
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
    // relayed and WebRTC connections are upgraded outside of any dial or listener: by what the components hold
    const upgrader = guarded(components.upgrader, guard);
    const transport: Transport = create(
      new Proxy(components, { get: (target, key) => (key === "upgrader" ? upgrader : Reflect.get(target, key)) }),
    );
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    transport.dial = (address, options) => dial(address, { ...options, upgrader });
    transport.createListener = (options) => {
      const listener = createListener({ ...options, upgrader });
      refuseSockets(listener as TcpListener, guard);
      refuseStun(listener as WebRtcDirectListener, guard);
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

/** The webrtc-direct listener's answer to a STUN packet of somebody new, which it does not declare: it makes a native connection. */
interface WebRtcDirectListener {
  incomingConnection?: (ufrag: string, host: string, port: number, signal: AbortSignal) => Promise<void>;
  connections?: Map<string, unknown>;
}

/** Anyone can write any sender into a UDP packet, so besides its host all of them together are limited. */
function refuseStun(listener: WebRtcDirectListener, guard: ConnectionGuard): void {
  const { incomingConnection, connections } = listener;
  if (incomingConnection === undefined || connections === undefined) return;
  let underWay = 0;
  listener.incomingConnection = async (ufrag, host, port, signal) => {
    // the same client repeats itself until it is answered
    if (connections.has(`${host}:${port}:${ufrag}`)) return;
    if (underWay >= relayLimits.signallingHandshakes.value || !guard.isWelcome(hostOfIp(host))) return;
    underWay++;
    try {
      await incomingConnection.call(listener, ufrag, host, port, signal);
    } finally {
      underWay--;
    }
  };
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
