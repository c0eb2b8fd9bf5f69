/** The data server of a local testnet with `--data server`: a process of its own, and the run config that sends clients to it. */
import { writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { serializeRunConfig, variantOf, type RunConfig } from "@starling/config";
import { heldOutDirectory, type LoadedRun } from "@starling/config/presets.node";
import { HostError } from "../errors.ts";
import { Child } from "./child.ts";
import { Restarts } from "./restarts.ts";

const STOP_MS = 1_000;

export interface ServedRun {
  /** the run as its coordinator gets it: data_location is the data server */
  loaded: LoadedRun;
  /** the run config with the data themselves, for the data server */
  dataConfigPath: string;
  port: number;
  /** null where the run has no held-out text */
  heldOutDir: string | null;
}

/** Writes the changed config into the run's folder. Errors: HostError bad-option where there are no data to serve. */
export async function servedRun(loaded: LoadedRun, folder: string): Promise<ServedRun> {
  if (variantOf(loaded.config.model.LLM.data_location).kind === "Server") {
    throw new HostError("bad-option", "--data server: this run's data_location is a data server already; name a config that has the data");
  }
  const port = await freePort();
  const { LLM } = loaded.config.model;
  const config: RunConfig = { ...loaded.config, model: { LLM: { ...LLM, data_location: { Server: `127.0.0.1:${port}` } } } };
  const toml = serializeRunConfig(config);
  const configPath = join(folder, "config.toml");
  writeFileSync(configPath, toml);
  const heldOutDir = heldOutDirectory(loaded.config, loaded.dataDirectory);
  return { loaded: { ...loaded, configPath, config, toml }, dataConfigPath: loaded.configPath, port, heldOutDir };
}

export interface DataServerProcessOptions {
  run: ServedRun;
  folder: string;
  /** of the coordinator */
  serverAddr: string;
  /** for its event files */
  args: readonly string[];
  say: (line: string, level: "info" | "warn" | "error") => void;
}

/** Started again when it dies: clients wait for it meanwhile. */
export class DataServerProcess {
  readonly #options: DataServerProcessOptions;
  readonly #restarts = new Restarts();
  #child: Child;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: DataServerProcessOptions) {
    this.#options = options;
    this.#child = this.#start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await this.#child.stop(STOP_MS);
  }

  #start(): Child {
    const { run, folder, serverAddr, args, say } = this.#options;
    const child: Child = new Child({
      name: "data-server",
      args: [
        "data-server",
        "--server-addr",
        serverAddr,
        "--config-path",
        run.dataConfigPath,
        "--data-port",
        String(run.port),
        "--identity-secret-key-path",
        join(folder, "data-server.identity.json"),
        "--logs",
        "json",
        ...args,
      ],
      env: { METRICS_LOCAL_PORT: "" },
      logFile: join(folder, "data-server.log"),
      onEvent: (event) => {
        if (event.type === "data-listening") say(`the data server gives clients their batches at 127.0.0.1:${run.port}`, "info");
        if (event.type === "warning") say(`data-server: ${event.message}`, "warn");
        if (event.type === "limit") say(`data-server: ${event.who} was refused ${event.count} times (${event.limit})`, "warn");
      },
      onExit: (code, signal) => {
        if (this.#stopping) return;
        const delayMs = this.#restarts.died("data-server");
        const next = delayMs === null ? "it is not started again" : `it is started again in ${delayMs / 1000} s`;
        say(
          `the data server ended unexpectedly (${signal ?? `exit code ${code}`}): ${next}${child.lastWords ? `\n${child.lastWords}` : ""}`,
          "error",
        );
        if (delayMs !== null) this.#timer = setTimeout(() => (this.#child = this.#start()), delayMs);
      },
    });
    return child;
  }
}

/** A port that nobody listens on now; the run's config names it before the data server takes it. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
