import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void;

/** A web server on loopback that serves files honestly, until `handler` is replaced. */
export interface FileServer {
  readonly origin: string;
  /** by path */
  readonly files: Map<string, Uint8Array>;
  /** `METHOD path range` of every request since `reset` */
  requests: string[];
  handler: Handler;
  /** Puts the files into a folder of their own; returns their urls in ascending order. */
  publish(content: Readonly<Record<string, Uint8Array>>): string[];
  pathOf(url: string): string;
  /** forgets the requests, and serves honestly again */
  reset(): void;
  close(): void;
}

export function serveRange(request: IncomingMessage, response: ServerResponse, body: Uint8Array): void {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (range === null) return serveWhole(request, response, body);
  const [start, end] = [Number(range[1]), Math.min(Number(range[2]), body.length - 1)];
  if (start >= body.length) return void response.writeHead(416).end();
  const part = body.subarray(start, end + 1);
  response.writeHead(206, { "content-range": `bytes ${start}-${end}/${body.length}`, "content-length": part.length });
  response.end(part);
}

export function serveWhole(request: IncomingMessage, response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, { "content-length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

export async function startFileServer(): Promise<FileServer> {
  const files = new Map<string, Uint8Array>();
  let cases = 0;
  const http = createServer((request, response) => {
    server.requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    const body = files.get(request.url!.replace(/\?.*$/, ""));
    if (body === undefined) response.writeHead(404).end();
    else server.handler(request, response, body);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server: FileServer = {
    origin,
    files,
    requests: [],
    handler: serveRange,
    publish(content) {
      const folder = `/case${cases++}`;
      return Object.keys(content)
        .toSorted()
        .map((name) => {
          files.set(`${folder}/${name}`, content[name]);
          return `${origin}${folder}/${name}`;
        });
    },
    pathOf: (url) => url.slice(origin.length),
    reset() {
      server.handler = serveRange;
      server.requests = [];
    },
    close() {
      http.closeAllConnections();
      http.close();
    },
  };
  return server;
}
