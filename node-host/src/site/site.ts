/** The page's web server: web/dist under its policy, config.json, and the token files of runs that tabs train. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIPv6, type AddressInfo } from "node:net";
import { basename, dirname } from "node:path";
import { PAGE_CSP } from "@starling/config/page/csp";
import type { RuntimeConfig } from "@starling/config/page/runtimeConfig";
import { segmentsOf, sendFile } from "./files.ts";
import type { PageBuild } from "./pageBuild.ts";
import { waitingPage } from "./waitingPage.ts";

/** A slow or hanging reader is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 256;

const HEADERS = {
  "content-security-policy": PAGE_CSP,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // neither camera nor anything else of the kind is for a page of runs
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
} as const;

export interface SiteOptions {
  page: PageBuild;
  /** Asked at each request. What it throws is the answer: the page says that it cannot be configured. */
  config: () => RuntimeConfig | Promise<RuntimeConfig>;
  /** run id -> its token files, absolute; each is served as data/RUN/NAME */
  data: () => ReadonlyMap<string, readonly string[]>;
  host: string;
  /** 0 = any free port */
  port: number;
}

export interface Site {
  /** with a slash at the end */
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Rejects with the system's error when the port cannot be had. */
export async function serveSite(options: SiteOptions): Promise<Site> {
  const server = createServer((request, response) => {
    respond(request, response, options).catch(() => {
      if (response.headersSent) response.destroy();
      else plain(response, 500, "this page's server failed; its log says why\n");
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  // those two end with the request; this is for a reader that takes nothing of its answer
  server.timeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  server.on("error", () => undefined);
  const { port } = server.address() as AddressInfo;
  const host = options.host === "0.0.0.0" || options.host === "::" ? "127.0.0.1" : options.host;
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${port}/`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, { page, config, data }: SiteOptions): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return plain(response, 405, "only GET and HEAD\n", { allow: "GET, HEAD" });
  const segments = segmentsOf(request.url ?? "/");
  if (segments === null) return notFound(response);
  const [first] = segments;
  if (first === "config.json" && segments.length === 1) {
    let body: string;
    try {
      body = JSON.stringify(await config());
    } catch (error) {
      return plain(response, 500, `${(error as Error).message}\n`);
    }
    return answer(request, response, 200, body, { "content-type": "application/json", "cache-control": "no-store" });
  }
  if (first === "data") {
    const files = segments.length === 3 ? data().get(segments[1]) : undefined;
    const file = files?.find((path) => basename(path) === segments[2]);
    const headers = { ...HEADERS, "cache-control": "no-cache" };
    const isSent = file !== undefined && (await sendFile(request, response, dirname(file), [basename(file)], headers));
    return isSent ? undefined : notFound(response);
  }
  const { state } = page;
  if (state.type !== "ready" && !(state.type === "failed" && state.old)) {
    if (segments.length > 0) return plain(response, 503, "the page is being built\n", { "retry-after": "2" });
    const { html, reloadSeconds } = waitingPage(state);
    return answer(request, response, 503, html, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      ...(reloadSeconds !== null && { refresh: String(reloadSeconds) }),
    });
  }
  // names below assets/ carry their hash
  const caching = first === "assets" ? "public, max-age=31536000, immutable" : "no-cache";
  const path = segments.length === 0 ? ["index.html"] : segments;
  if (!(await sendFile(request, response, page.directory, path, { ...HEADERS, "cache-control": caching }))) notFound(response);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...HEADERS, ...headers, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}

function plain(response: ServerResponse, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers });
  response.end(text);
}

function notFound(response: ServerResponse): void {
  plain(response, 404, "there is no such file\n");
}

/** The urls of a run's token files, as `dataUrls` of config.json has them: relative ones count from the page. */
export function dataUrlsOf(runId: string, files: readonly string[]): string[] {
  return files.map((path) => `data/${encodeURIComponent(runId)}/${encodeURIComponent(basename(path))}`);
}
