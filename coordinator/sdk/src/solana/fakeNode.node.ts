/** For tests: an RPC node on a loopback port that answers as it is told to, or hangs, lies, or asks for less. HTTP and websocket share the port. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export type Manner = "well" | "hang" | "garbage" | "error-500" | "rate-limited" | "endless" | "hang-up";

/** A JSON-RPC error as its answer. */
export class RpcAnswerError {
  readonly error: unknown;
  constructor(code: number, message: string, data?: unknown) {
    this.error = { code, message, data };
  }
}

export class FakeNode {
  manner: Manner = "well";
  /** seconds, with "rate-limited" */
  retryAfter = "1";
  slot = 1_000;
  /** of the socket: what it says besides answers */
  websocketManner: "well" | "garbage" = "well";
  readonly asked: { method: string; params: unknown[]; atMs: number }[] = [];
  readonly answers: Record<string, (params: unknown[]) => unknown> = {
    getLatestBlockhash: () => this.withSlot({ blockhash: "9".repeat(43), lastValidBlockHeight: 150 }),
    getMultipleAccounts: (params) => this.withSlot((params[0] as string[]).map((address) => this.accounts.get(address) ?? null)),
    getRecentPrioritizationFees: () => [],
  };
  readonly accounts = new Map<string, unknown>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #websockets = new Set<Socket>();
  /** subscription -> address */
  readonly #subscriptions = new Map<number, string>();

  private constructor() {
    this.#server = createServer((request, response) => this.#request(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("upgrade", (request, socket) => this.#upgrade(request, socket as Socket));
  }

  static async start(port = 0): Promise<FakeNode> {
    const node = new FakeNode();
    await new Promise<void>((resolve) => node.#server.listen(port, "127.0.0.1", resolve));
    return node;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get websocketCount(): number {
    return this.#websockets.size;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  countOf(method: string): number {
    return this.asked.filter((one) => one.method === method).length;
  }

  withSlot(value: unknown): unknown {
    return { context: { slot: this.slot }, value };
  }

  /** Tells those who watch that account. */
  notify(address: string, value: unknown): void {
    this.accounts.set(address, value);
    for (const [subscription, watched] of this.#subscriptions) {
      if (watched !== address) continue;
      this.say({ jsonrpc: "2.0", method: "accountNotification", params: { subscription, result: this.withSlot(value) } });
    }
  }

  say(message: unknown): void {
    for (const socket of this.#websockets) socket.write(frame(typeof message === "string" ? message : JSON.stringify(message)));
  }

  dropWebsockets(): void {
    for (const socket of this.#websockets) socket.destroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const { id, method, params } = JSON.parse(body) as { id: unknown; method: string; params: unknown[] };
      this.asked.push({ method, params, atMs: performance.now() });
      switch (this.manner) {
        case "hang":
          return;
        case "hang-up":
          this.#result(method, params);
          request.socket.destroy();
          return;
        case "garbage":
          response.end("<html>no json</html>");
          return;
        case "endless":
          response.write('{"jsonrpc":"2.0","result":"');
          for (let i = 0; i < 40; i++) response.write("x".repeat(1024 * 1024));
          response.end();
          return;
        case "error-500":
          response.writeHead(500).end();
          return;
        case "rate-limited":
          response.writeHead(429, { "retry-after": this.retryAfter }).end();
          return;
        case "well": {
          const result = this.#result(method, params);
          const answer = result instanceof RpcAnswerError ? { error: result.error } : { result };
          response.setHeader("content-type", "application/json");
          response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
          return;
        }
        default:
          this.manner satisfies never;
      }
    });
  }

  #result(method: string, params: unknown[]): unknown {
    return this.answers[method]?.(params) ?? new RpcAnswerError(-32601, `no method ${method}`);
  }

  #upgrade(request: IncomingMessage, socket: Socket): void {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.#websockets.add(socket);
    const mine = new Set<number>();
    socket.on("close", () => {
      this.#websockets.delete(socket);
      for (const subscription of mine) this.#subscriptions.delete(subscription);
    });
    socket.on("error", () => {});
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (part: Buffer) => {
      rest = Buffer.concat([rest, part]);
      for (let read = unframe(rest); read !== null; read = unframe(rest)) {
        rest = rest.subarray(read.length);
        if (read.text === null) {
          // the other side closes; nothing else without text is ever sent here
          socket.destroy();
          return;
        }
        const { id, method, params } = JSON.parse(read.text) as { id: number; method: string; params: [string] };
        if (this.websocketManner === "garbage") socket.write(frame("{{{"));
        else if (method === "accountSubscribe") {
          const subscription = 7_000 + Math.floor(Math.random() * 1e9);
          mine.add(subscription);
          this.#subscriptions.set(subscription, params[0]);
          socket.write(frame(JSON.stringify({ jsonrpc: "2.0", id, result: subscription })));
        }
      }
    });
  }
}

function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([head, body]);
}

/** A client's masked frame: its text, null for one that is no text. */
function unframe(bytes: Buffer): { text: string | null; length: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 0x7f;
  const head = short < 126 ? 2 : 4;
  if (bytes.length < head + 4) return null;
  const size = short < 126 ? short : bytes.readUInt16BE(2);
  const length = head + 4 + size;
  if (bytes.length < length) return null;
  const mask = bytes.subarray(head, head + 4);
  const body = Buffer.from(bytes.subarray(head + 4, length).map((byte, index) => byte ^ mask[index & 3]));
  return { text: (bytes[0] & 0x0f) === 1 ? body.toString() : null, length };
}
