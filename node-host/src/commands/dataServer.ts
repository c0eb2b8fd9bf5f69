/** `starling data-server`: gives the members of a run their own batches, as its coordinator assigns them. */
import { resolve } from "node:path";
import { parseRunConfig, type DataLocation, type OptionsOf, type RunConfig, type dataServerOptions } from "@starling/config";
import { loadRunConfig, resolveDataLocation } from "@starling/config/presets.node";
import type { CoordinatorPort } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { nameMembers } from "@starling/sdk/nameMembers";
import { snapshotRights } from "@starling/trainer-core/data/batchRights";
import type { DataProvider } from "@starling/trainer-core/data/dataProvider";
import { serveData, type DataServerEvent } from "@starling/trainer-core/data/dataServer";
import { planOf } from "../compose.ts";
import { openProvider } from "../data/openProvider.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { reachCoordinator } from "../platform/coordinator.ts";
import { loadIdentity } from "../platform/identityFile.ts";
import { listen } from "../platform/listen.ts";
import { openOutput } from "../platform/output.ts";
import { listenForStop } from "../platform/parent.ts";
import { openTelemetry } from "../telemetry/telemetry.ts";

type DataServerOptions = OptionsOf<typeof dataServerOptions>;

/** What is told of refusals is gathered for so long: a stranger that asks a thousand times is one line. */
const REFUSALS_EVERY_MS = 10_000;

export async function dataServer(options: DataServerOptions): Promise<number> {
  const output = await openOutput("server", { logs: options.logs as "console" | "json", tui: undefined });
  const telemetry = openTelemetry(options, "data-server", output.log);
  const { log } = telemetry;
  const keys = loadIdentity(options.identitySecretKeyPath);
  keys.save();
  const stop = listenForStop();
  const network = await listen({
    seed: keys.identity.secrets().peerSeed,
    host: options.bindHost,
    tcp: { port: options.dataPort, option: "--data-port" },
    webSocket: { port: options.dataWsPort, option: "--data-ws-port" },
    allowAll: true, // who is a member is decided request by request
    log,
  });
  const closing: (() => unknown)[] = [() => keys.release(), () => network.stop()];
  try {
    const coordinator = await reachCoordinator({
      serverAddr: options.serverAddr,
      network,
      identity: keys.identity,
      joins: null,
      log,
      signal: stop.signal,
    });
    closing.push(() => coordinator.close());
    const served = await openServed(options, coordinator, stop.signal);
    closing.push(() => served.provider.close());
    const rights = snapshotRights(coordinator);
    closing.push(() => rights.close());
    closing.push(nameMembers(coordinator, network));
    const refusals = new Refusals(log);
    closing.push(() => refusals.stop());
    closing.push(serveData({ ...served, network, rights, onEvent: (event) => tell(event, log, refusals) }));
    log({
      type: "data-listening",
      peerId: toHex(network.self),
      multiaddrs: network.multiaddrs(),
      runId: served.runId,
      sequences: await served.provider.sequenceCount(stop.signal),
    });
    const reason = await stop.requested;
    log({ type: "stopped", reason });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    log({ type: "stopped", reason: await stop.requested });
  } finally {
    for (const one of closing.reverse()) await one();
    await telemetry.close();
    await output.close();
  }
  return EXIT_CODES.ok;
}

/** The run as its coordinator describes it, and this machine's data for it. Errors: HostError bad-option, data; ConfigError; TrainError. */
async function openServed(
  options: DataServerOptions,
  coordinator: CoordinatorPort,
  signal: AbortSignal,
): Promise<{ runId: string; provider: DataProvider; vocabSize: number }> {
  const { runId, configToml } = await coordinator.runInfo(signal);
  const runConfig = parseRunConfig(configToml, { source: "the coordinator's run config" });
  const plan = await planOf(runConfig, options.checkpoint, signal);
  const location = locationOf(options, runConfig);
  const provider = openProvider(location, plan);
  try {
    await provider.check(signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new HostError("data", `the data to serve cannot be read: ${(cause as Error).message}`, { cause });
  }
  return { runId, provider, vocabSize: plan.llama.vocabSize };
}

function locationOf(options: DataServerOptions, runConfig: RunConfig): DataLocation {
  if (options.dataDir !== undefined) return { Local: resolve(options.dataDir) };
  const loaded = options.configPath === undefined ? null : loadRunConfig(options.configPath, process.cwd());
  const location =
    loaded === null ? resolveDataLocation(runConfig, process.cwd()) : resolveDataLocation(loaded.config, loaded.dataDirectory);
  if (typeof location === "string" || !("Server" in location)) return location;
  throw new HostError(
    "bad-option",
    `the data_location is the data server itself (${location.Server}): name the data with --data-dir, or with --config-path and a config that has them`,
  );
}

function tell(event: DataServerEvent, log: HostLog, refusals: Refusals): void {
  switch (event.type) {
    case "served":
      return log({
        type: "data-served",
        peer: event.peer.slice(0, 8),
        start: String(event.start),
        sequences: Number(event.end - event.start) + 1,
        bytes: event.bytes,
      });
    case "refused":
      return refusals.count(`data ${event.code}`, event.peer.slice(0, 8));
    case "error":
      return log({ type: "warning", message: `data cannot be read: ${(event.error as Error).message}` });
  }
}

/** Counts refusals by reason and peer, and tells of them now and then. */
class Refusals {
  readonly #log: HostLog;
  readonly #counts = new Map<string, { limit: string; who: string; count: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(log: HostLog) {
    this.#log = log;
    this.#timer = setInterval(() => this.#tell(), REFUSALS_EVERY_MS);
  }

  count(limit: string, who: string): void {
    const name = `${limit} ${who}`;
    const known = this.#counts.get(name);
    if (known) known.count++;
    else if (this.#counts.size < 1000) this.#counts.set(name, { limit, who, count: 1 });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#tell();
  }

  #tell(): void {
    for (const counted of this.#counts.values()) this.#log({ type: "limit", ...counted });
    this.#counts.clear();
  }
}
