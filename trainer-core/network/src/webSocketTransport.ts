import type { MultiaddrConnection, Transport, Upgrader } from "@libp2p/interface";
import { webSockets } from "@libp2p/websockets";
import type { Libp2pTransports } from "./libp2pNode.ts";

/**
 * libp2p's WebSocket transport with one fault mended: to abort a connection it calls `close(1006)`, which every
 * WebSocket rejects as a reserved code, so that the socket of a refused or revoked peer stays open.
 * (@libp2p/websockets 10.1.21, websocket-to-conn.js)
 */
export function webSocketTransport(): Libp2pTransports[number] {
  const create = webSockets();
  return (components) => {
    const transport: Transport = create(components);
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    transport.dial = (address, options) => dial(address, { ...options, upgrader: mendingUpgrader(options.upgrader) });
    transport.createListener = (options) => createListener({ ...options, upgrader: mendingUpgrader(options.upgrader) });
    return transport;
  };
}

function mendingUpgrader(upgrader: Upgrader): Upgrader {
  return {
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    upgradeInbound: (connection, options) => upgrader.upgradeInbound(mend(connection), options),
    upgradeOutbound: (connection, options) => upgrader.upgradeOutbound(mend(connection), options),
  };
}

function mend(connection: MultiaddrConnection): MultiaddrConnection {
  const inner = connection as MultiaddrConnection & { websocket: { close(): void }; sendReset: () => void };
  inner.sendReset = () => inner.websocket.close();
  return connection;
}
