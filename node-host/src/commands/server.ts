/** `starling server`: the coordinator of one run, over TCP for daemons and WebSockets for tabs. */
import type { OptionsOf, serverOptions } from "@starling/config";
import { portOrNone } from "@starling/config/programs/shared";
import { loadRunConfig } from "@starling/config/presets.node";
import { CoordinatorServer, type ServerEvent } from "@starling/server";
import { openStateFolder } from "@starling/server/stateFolder.node";
import { errorText } from "@starling/network/errors";
import { toHex } from "@starling/sdk/bytes";
import { EXIT_CODES } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { makeWritableFolder } from "../platform/folders.ts";
import { listen } from "../platform/listen.ts";
import { takeLock } from "../platform/lockFile.ts";
import { openOutput, type Output } from "../platform/output.ts";
import { listenForStop } from "../platform/parent.ts";
import { phaseTeller } from "../platform/phases.ts";
import { trafficEvent } from "../platform/traffic.ts";
import { rosterTeller } from "../platform/roster.ts";
import { openTelemetry } from "../telemetry/telemetry.ts";

export type ServerOptions = OptionsOf<typeof serverOptions>;

const TRAFFIC_EVERY_MS = 2_000;
const PAUSE_LIMIT_MS = 300_000;

export async function server(options: ServerOptions): Promise<number> {
  const output = await openOutput("server", options);
  try {
    return await serve(options, output);
  } finally {
    await output.close();
  }
}

async function serve(options: ServerOptions, output: Output): Promise<number> {
  const telemetry = openTelemetry(options, options.nodeName ?? "server", output.log);
  const { log } = telemetry;
  const loaded = loadRunConfig(options.configPath, process.cwd());
  const runId = options.runId ?? loaded.runId;
  if (options.saveStateDir !== undefined) makeWritableFolder(options.saveStateDir, "--save-state-dir");
  const folder = options.saveStateDir === undefined ? null : await openStateFolder(options.saveStateDir, runId, { takeLock });
  if (folder) process.once("exit", () => folder.close());
  else
    log({
      type: "warning",
      message: "without --save-state-dir this run is lost when its coordinator ends: name a folder to have it go on",
    });
  const network = await listen({
    seed: folder?.networkSeed ?? crypto.getRandomValues(new Uint8Array(32)),
    host: options.bindHost,
    tcp: { port: options.serverPort, option: "--server-port" },
    webSocket: { port: options.serverWsPort, option: "--server-ws-port" },
    webRtcPort: portOrNone(options.bindWebrtcPort),
    isRelay: true,
    allowAll: true,
    log,
  });
  let running: CoordinatorServer | null = null;
  const pause = (output.onPause = (wanted: boolean): void => {
    const told = wanted ? running?.pause(PAUSE_LIMIT_MS) : Promise.resolve(running?.resume());
    told?.catch((error: Error) => log({ type: "warning", message: `the run cannot be paused: ${error.message}` }));
  });
  const stop = listenForStop((message) => {
    if (message.type === "resume" || message.type === "pause") pause(message.type === "pause");
  });
  running = await CoordinatorServer.start({
    runId,
    runConfigToml: loaded.toml,
    configSource: loaded.configPath,
    network,
    withdrawOnDisconnect: options.withdrawOnDisconnect,
    store: folder?.store,
    history: folder?.history,
    onEvent: (event) => report(event, log),
  });
  log({ type: "listening", peerId: toHex(network.self), multiaddrs: network.multiaddrs(), runId });
  const tellPhase = phaseTeller(log);
  const { core } = running;
  const roster = rosterTeller(log);
  core.subscribe(({ bytes, members }) => {
    tellPhase(core.state(), members.length);
    roster.tell(
      bytes,
      members.map(({ peerId }) => peerId),
    );
  });

  const traffic = setInterval(() => log(trafficEvent(network)), TRAFFIC_EVERY_MS);

  const reason = await stop.requested;
  clearInterval(traffic);
  roster.stop();
  log({ type: "stopping", doing: "saves the run's state and hangs up" });
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
      return log({ type: "warning", message: errorText(event.error, 1_000) });
    case "restored":
    case "went-back":
      return log(event);
    case "phase":
    case "epoch-ended":
    case "saved":
      return;
  }
}
