/** Serves the built page on loopback as any static host could, under the policy that Starling's own server sends; config.json as the test says. */
import { createReadStream, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { PAGE_CSP } from "@starling/config/page/csp";
import type { RuntimeConfig } from "@starling/config/page/runtimeConfig";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
};

export class PageSite {
  /** of the next load */
  config: RuntimeConfig = { clusters: [], coordinators: [] };
  readonly #page: string;
  readonly #data: string;
  #server: Server | null = null;

  /** Folders: of the built page, and of the token files, which are there as data/RUN/FILE for every run. */
  constructor(page: string, data: string) {
    this.#page = page;
    this.#data = data;
  }

  /** With the slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/`;
  }

  /** `host`: an address of this machine. */
  async start(host = "127.0.0.1"): Promise<void> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? "/", "http://site").pathname);
      const headers = {
        "content-security-policy": PAGE_CSP,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
      };
      if (path === "/config.json") {
        response.writeHead(200, { ...headers, "content-type": "application/json" }).end(JSON.stringify(this.config));
        return;
      }
      try {
        const file = this.#fileAt(path);
        const size = statSync(file).size;
        const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
        const start = range ? Number(range[1]) : 0;
        const end = range && range[2] !== "" ? Math.min(Number(range[2]), size - 1) : size - 1;
        response.writeHead(range ? 206 : 200, {
          ...headers,
          "content-type": TYPES[extname(file)] ?? "application/octet-stream",
          "content-length": end - start + 1,
          "accept-ranges": "bytes",
          ...(range ? { "content-range": `bytes ${start}-${end}/${size}` } : {}),
        });
        if (request.method === "HEAD") response.end();
        else createReadStream(file, { start, end }).pipe(response);
      } catch {
        response.writeHead(404, headers).end();
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, host, resolve);
    });
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #fileAt(path: string): string {
    const inside = normalize(path);
    const data = /^\/data\/[^/]+\/(.*)$/.exec(inside);
    if (data !== null) return join(this.#data, data[1]!);
    return join(this.#page, inside === "/" ? "index.html" : inside);
  }
}
