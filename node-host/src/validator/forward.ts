/** Surfpool takes random ports; a TCP forward puts each of its two where people look for them. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

export interface Forward {
  port: number;
  close(): Promise<void>;
}

/** Listens on `host`:`port` (0 = any free one). Errors: the system's, such as EADDRINUSE. */
export async function forward(host: string, port: number, targetPort: number): Promise<Forward> {
  const open = new Set<Socket>();
  const server: Server = createServer((inner) => {
    const outer = connect(targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      // an error is followed by `close`
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    inner.pipe(outer);
    outer.pipe(inner);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // too many open files refuse one connection, and end nothing
  server.on("error", () => undefined);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
