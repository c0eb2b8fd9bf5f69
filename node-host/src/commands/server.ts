/** `starling server`: the coordinator of one run, over TCP for daemons and WebSockets for tabs. */
import type { OptionsOf, serverOptions } from "@starling/config";
import { loadRunConfig } from "@starling/config/presets.node";
import { CoordinatorServer, type ServerEvent } from "@starling/server";
import { fileStateStore } from "@starling/server/stateFolder.node";
import { toHex } from "@starling/sdk/bytes";
import { EXIT_CODES } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { createLog } from "../platform/log.ts";
import { makeWritableFolder } from "../platform/folders.ts";
import { listen } from "../platform/listen.ts";
import { listenForStop } from "../platform/parent.ts";
import { phaseTeller } from "../platform/phases.ts";
import { openTelemetry } from "../telemetry/telemetry.ts";

export type ServerOptions = OptionsOf<typeof serverOptions>;

const PAUSE_LIMIT_MS = 300_000;

export async function server(options: ServerOptions): Promise<number> {
  const telemetry = openTelemetry(options, options.nodeName ?? "server", createLog(options.logs));
  const { log } = telemetry;
  const loaded = loadRunConfig(options.configPath, process.cwd());
  const runId = options.runId ?? loaded.runId;
  if (options.saveStateDir !== undefined) makeWritableFolder(options.saveStateDir, "--save-state-dir");
  const network = await listen({
    seed: crypto.getRandomValues(new Uint8Array(32)),
    host: options.bindHost,
    tcp: { port: options.serverPort, option: "--server-port" },
    webSocket: { port: options.serverWsPort, option: "--server-ws-port" },
    allowAll: true,
    onWarning: (message) => log({ type: "warning", message }),
  });
  let running: CoordinatorServer | null = null;
  const stop = listenForStop((message) => {
    if (message.type === "resume") running?.resume();
    if (message.type !== "pause") return;
    running?.pause(PAUSE_LIMIT_MS).catch((error: Error) => log({ type: "warning", message: `the run cannot be paused: ${error.message}` }));
  });
  running = await CoordinatorServer.start({
    runId,
    runConfigToml: loaded.toml,
    configSource: loaded.configPath,
    network,
    withdrawOnDisconnect: options.withdrawOnDisconnect,
    store: options.saveStateDir === undefined ? undefined : fileStateStore(options.saveStateDir, runId),
    onEvent: (event) => report(event, log),
  });
  log({ type: "listening", peerId: toHex(network.self), multiaddrs: network.multiaddrs(), runId });
  const tellPhase = phaseTeller(log);
  const { core } = running;
  core.subscribe(({ members }) => tellPhase(core.state(), members.length));

  const reason = await stop.requested;
  log({ type: "stopped", reason });
  await running.stop();
  await network.stop();
  await telemetry.close();
  return EXIT_CODES.ok;
}

function report(event: ServerEvent, log: HostLog): void {
  switch (event.type) {
    case "member-joined":
      return log({ type: "member", change: "joined", client: event.peerId.slice(0, 8) });
    case "member-left":
      return log({ type: "member", change: "left", client: event.peerId.slice(0, 8) });
    case "client-out": {
      const change = { Dropped: "dropped", Withdrawn: "withdrawn", Ejected: "ejected" } as const;
      return log({ type: "member", change: change[event.state], client: event.peerId.slice(0, 8) });
    }
    case "error":
      return log({ type: "warning", message: `coordinator: ${event.error instanceof Error ? event.error.message : String(event.error)}` });
    case "phase":
    case "epoch-ended":
    case "saved":
      return;
  }
}
