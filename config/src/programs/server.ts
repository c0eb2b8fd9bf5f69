/** Options of `server`. Names are the existing system's (facts 7.3, 7.4) where they have a meaning here. */
import { defineOptions } from "../defineOptions.ts";
import { configPath, logs, tui, port, tabPorts, telemetry, nodeName } from "./shared.ts";

export const serverOptions = defineOptions({
  configPath: { ...configPath, flag: "--config-path", aliases: ["--state"] },
  runId: {
    type: "string",
    minBytes: 1,
    maxBytes: 32,
    optional: true,
    doc: "Name of the run; left out = the config's run_id, else its folder's name.",
  },
  serverPort: { ...port, default: 20_000, doc: "TCP port; 0 = any free port." },
  serverWsPort: { ...port, default: 0, doc: "Port for WebSockets, by which browser tabs join; 0 = any free port." },
  bindWebrtcPort: tabPorts.bindWebrtcPort,
  bindHost: { type: "string", minBytes: 1, maxBytes: 64, default: "127.0.0.1", doc: "IP address to listen on; 0.0.0.0 = every interface." },
  tui,
  saveStateDir: { type: "string", unit: "path", minBytes: 1, optional: true, doc: "Folder to which the state is saved at each epoch." },
  withdrawOnDisconnect: { type: "boolean", default: true, doc: "A client that disconnects leaves the epoch at once." },
  ...telemetry,
  nodeName,
  logs,
});
