/** `/metrics` for Prometheus and `/healthz` for supervisors, over plain HTTP. A port that cannot be had costs the metrics, never the node. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isIPv6 } from "node:net";
import type { HealthReport } from "./health.ts";
import type { Metrics } from "./metrics.ts";

/** A slow or hanging scraper is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64;

export interface MetricsServerOptions {
  metrics: Metrics;
  /** by node */
  health: () => ReadonlyMap<string, HealthReport>;
  host: string;
  /** 0 = any free port */
  port: number;
}

export interface MetricsServer {
  url: string;
  close(): Promise<void>;
}

/** Rejects with the system's error when the port cannot be had. */
export async function serveMetrics({ metrics, health, host, port }: MetricsServerOptions): Promise<MetricsServer> {
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0];
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), connection: "close" });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "text/plain", "only GET\n");
    if (path === "/metrics") {
      metrics.text().then(
        (text) => answer(200, metrics.contentType, text),
        (error: Error) => answer(500, "text/plain", `${error.message}\n`),
      );
      return;
    }
    if (path === "/healthz") {
      const nodes = Object.fromEntries(health());
      const ok = Object.values(nodes).every((report) => report.ok);
      return answer(ok ? 200 : 503, "application/json", `${JSON.stringify({ ok, nodes })}\n`);
    }
    answer(404, "text/plain", "there are /metrics and /healthz\n");
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  server.on("error", () => undefined);
  server.unref();
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
