import type { MultiaddrConnection, Transport, Upgrader } from "@libp2p/interface";
import type { Libp2pTransports } from "./libp2pNode.ts";

/** What wants to see transport connections before their handshake. */
export interface ConnectionGuard {
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
    transport.createListener = (options) => createListener({ ...options, upgrader: guarded(options.upgrader, guard) });
    return transport;
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
