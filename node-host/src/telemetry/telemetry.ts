/** What a process tells besides its log: event files, metrics, health, its own resources. One call at the start, one at the end. */
import { join, resolve } from "node:path";
import type { HostEvent, HostLog } from "../events.ts";
import { makeWritableFolder } from "../platform/folders.ts";
import { EventFiles } from "./eventFiles.ts";
import { Health, type HealthReport } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { serveMetrics, type MetricsServer } from "./metricsServer.ts";
import { watchResources } from "./resources.ts";

const MIB = 2 ** 20;
/** What a disk that hangs may hold up at the end. */
const CLOSE_LIMIT_MS = 1_000;

/** The options `telemetry` of config/src/programs/shared.ts. */
export interface TelemetryOptions {
  eventsDir: string | undefined;
  keepEventFiles: number;
  eventFileMib: number;
  metricsLocalPort: number | undefined;
  metricsHost: string;
}

export interface NodeTelemetry {
  /** the log, the files and the metrics at once */
  log: HostLog;
  close(): Promise<void>;
}

/** Of one `server` or `client`. `out` is where its log goes. Errors: HostError bad-option when --events-dir cannot be written to. */
export function openTelemetry(options: TelemetryOptions, node: string, out: HostLog): NodeTelemetry {
  let files: EventFiles | null = null;
  if (options.eventsDir !== undefined) {
    const folder = join(resolve(options.eventsDir), node);
    makeWritableFolder(folder, "--events-dir");
    files = new EventFiles({
      folder,
      node,
      maxFileBytes: options.eventFileMib * MIB,
      keepFiles: options.keepEventFiles,
      onTrouble: (message) => out({ type: "warning", message }),
      onRecovered: (event) => all(event, false),
    });
  }
  const exporter =
    options.metricsLocalPort === undefined ? null : new MetricsExporter(options.metricsLocalPort, options.metricsHost, (e) => all(e));
  const all = (event: HostEvent, toFiles = true): void => {
    out(event);
    if (toFiles) files?.write(event);
    exporter?.observe(node, event);
  };
  const log: HostLog = (event) => all(event);
  const stopResources = watchResources(log);
  return {
    log,
    close: async () => {
      stopResources();
      await Promise.race([Promise.all([files?.close(), exporter?.close()]), new Promise((r) => setTimeout(r, CLOSE_LIMIT_MS).unref())]);
    },
  };
}

/** Metrics and health of one node or of all nodes of a local testnet, behind one port. */
export class MetricsExporter {
  readonly #metrics = new Metrics();
  readonly #health = new Map<string, Health>();
  readonly #serving: Promise<MetricsServer | null>;

  /** Listens in the background; a port that is taken is told to `log` as a warning. */
  constructor(port: number, host: string, log: HostLog) {
    const health = (): ReadonlyMap<string, HealthReport> => new Map([...this.#health].map(([node, h]) => [node, h.report(Date.now())]));
    this.#serving = serveMetrics({ metrics: this.#metrics, health, host, port }).then(
      (server) => {
        log({ type: "metrics", url: server.url });
        return server;
      },
      (error: NodeJS.ErrnoException) => {
        const why = error.code === "EADDRINUSE" ? "is in use by another program" : `cannot be had (${error.message})`;
        log({
          type: "warning",
          message: `--metrics-local-port ${port} on ${host} ${why}: the node goes on without metrics; choose another port, or 0 for any free one`,
        });
        return null;
      },
    );
  }

  observe(node: string, event: HostEvent): void {
    const nowMs = Date.now();
    let health = this.#health.get(node);
    if (!health || event.type === "listening" || event.type === "starting") {
      this.#health.set(node, (health = new Health(nowMs)));
    }
    health.observe(event, nowMs);
    this.#metrics.observe(node, event, nowMs);
  }

  /** The node's process ended, perhaps without saying so. */
  down(node: string): void {
    this.#metrics.down(node);
    const health = this.#health.get(node) ?? new Health(Date.now());
    health.observe({ type: "stopped", reason: "its process has ended" }, Date.now());
    this.#health.set(node, health);
  }

  /** Where it listens; null when it could not. */
  async url(): Promise<string | null> {
    return (await this.#serving)?.url ?? null;
  }

  async close(): Promise<void> {
    await (await this.#serving)?.close();
  }
}
