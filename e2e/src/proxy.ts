/** Two TCP ports in a row in front of a validator's RPC and websocket, which can be gone for a while. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

const HOST = "127.0.0.1";
const PORT_TRIES = 20;

export class Proxy {
  readonly #targets: readonly [number, number];
  readonly #open = new Set<Socket>();
  #servers: Server[] = [];
  #port = 0;

  /** `rpc`: http://host:port of a validator whose websocket is on the next port. */
  constructor(rpc: string) {
    const port = Number(new URL(rpc).port);
    this.#targets = [port, port + 1];
  }

  get rpc(): string {
    return `http://${HOST}:${this.#port}`;
  }

  get ws(): string {
    return `ws://${HOST}:${this.#port + 1}`;
  }

  /** On the ports of before, if there were any. */
  async start(): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        const first = await this.#listen(this.#port, this.#targets[0]);
        const port = (first.address() as AddressInfo).port;
        this.#servers = [first];
        this.#servers.push(await this.#listen(port + 1, this.#targets[1]));
        this.#port = port;
        return;
      } catch (error) {
        await this.stop();
        if (this.#port !== 0 || tried === PORT_TRIES) throw error;
      }
    }
  }

  /** Nobody answers any more, and every connection breaks. */
  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#open) socket.destroy();
    await Promise.all(closed);
    this.#servers = [];
  }

  #listen(port: number, target: number): Promise<Server> {
    const server = createServer((inner) => {
      const outer = connect(target, HOST);
      for (const [socket, other] of [
        [inner, outer],
        [outer, inner],
      ]) {
        this.#open.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          this.#open.delete(socket);
          other.destroy();
        });
      }
      inner.pipe(outer);
      outer.pipe(inner);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, HOST, () => resolve(server));
    });
  }
}
