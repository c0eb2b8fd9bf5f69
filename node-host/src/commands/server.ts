/** `starling server`: the coordinator of one run, over TCP for daemons and WebSockets for tabs. */
import { serverOptions, type OptionsOf } from "@starling/config";
import { loadRunConfig } from "@starling/config/presets.node";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import type { PeerNetwork } from "@starling/network";
import { CoordinatorServer, type ServerEvent } from "@starling/server";
import { fileStateStore } from "@starling/server/persistence.node";
import { toHex } from "@starling/sdk/bytes";
import { EXIT_CODES, HostError } from "../errors.ts";
import type { HostLog } from "../events.ts";
import { createLog } from "../platform/log.ts";
import { makeFolder } from "../platform/folders.ts";
import { listenForStop } from "../platform/parent.ts";

export type ServerOptions = OptionsOf<typeof serverOptions>;

const PAUSE_LIMIT_MS = 300_000;

export async function server(options: ServerOptions): Promise<number> {
  const log = createLog(options.logs, "server", options.eventsDir);
  const loaded = loadRunConfig(options.configPath, process.cwd());
  const runId = options.runId ?? loaded.runId;
  if (options.saveStateDir !== undefined) makeFolder(options.saveStateDir);
  const network = await listen(options, log);
  let running: CoordinatorServer | null = null;
  const stop = listenForStop((message) => {
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
  followPhases(running, log);
  log({ type: "listening", peerId: toHex(network.self), multiaddrs: network.multiaddrs(), runId });

  const reason = await stop.requested;
  log({ type: "stopped", reason });
  await running.stop();
  await network.stop();
  return EXIT_CODES.ok;
}

/** Errors: HostError port-in-use. */
async function listen(options: ServerOptions, log: HostLog): Promise<PeerNetwork> {
  const { bindHost, serverPort, serverWsPort } = options;
  const ip = bindHost.includes(":") ? "ip6" : "ip4";
  try {
    return await createNodeNetwork({
      seed: crypto.getRandomValues(new Uint8Array(32)),
      listen: [`/${ip}/${bindHost}/tcp/${serverPort}`, `/${ip}/${bindHost}/tcp/${serverWsPort}/ws`],
      allowAll: true,
      onError: (error) => log({ type: "warning", message: `network: ${(error as Error).message}` }),
    });
  } catch (cause) {
    throw new HostError("port-in-use", `the coordinator cannot listen on ${bindHost} port ${serverPort}: ${(cause as Error).message}; choose another --server-port`, { cause });
  }
}

function report(event: ServerEvent, log: HostLog): void {
  switch (event.type) {
    case "member-joined":
      return log({ type: "member", change: "joined", client: event.peerId.slice(0, 8) });
    case "member-left":
      return log({ type: "member", change: "left", client: event.peerId.slice(0, 8) });
    case "client-out": {
      const change = { Dropped: "dropped", Withdrawn: "left", Ejected: "ejected" } as const;
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

/** One event a change of phase, step or head count. */
function followPhases(running: CoordinatorServer, log: HostLog): void {
  let last = "";
  running.core.subscribe((snapshot) => {
    const state = running.core.state();
    const { runState, epoch, step, epochStartStep, lastStep, config } = state;
    const live = state.clients.filter((c) => c.state === "Healthy").length;
    const key = `${runState} ${epoch} ${step} ${live} ${snapshot.members.length}`;
    if (key === last) return;
    last = key;
    // the two rounds that drain are rounds of the epoch too
    const epochRounds = lastStep > 0 ? lastStep - epochStartStep : config.roundsPerEpoch > 0 ? config.roundsPerEpoch + 2 : 0;
    log({ type: "phase", runState, epoch, step, round: step - epochStartStep + 1, epochRounds, live, pending: snapshot.members.length });
  });
}
