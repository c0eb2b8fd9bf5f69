/** Options of `data-server`. */
import { defineOptions } from "../defineOptions.ts";
import { port, telemetry, serverAddr } from "./shared.ts";

export const dataServerOptions = defineOptions({
  serverAddr: {
    ...serverAddr,
    default: "127.0.0.1:20000",
    doc: "The run's coordinator, which says whose batch is which: HOST:PORT, or a multiaddr.",
  },
  configPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Run config whose data_location names the data: a file, a folder, or a preset's name. Its model and sequence length must be the run's.",
  },
  dataDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of token files to serve, instead of the config's data_location.",
  },
  dataPort: { ...port, default: 20_001, doc: "TCP port on which clients fetch; 0 = any free port." },
  dataWsPort: { ...port, default: 0, doc: "Port for WebSockets, by which browser tabs fetch; 0 = any free port." },
  bindHost: { type: "string", minBytes: 1, maxBytes: 64, default: "127.0.0.1", doc: "IP address to listen on; 0.0.0.0 = every interface." },
  identitySecretKeyPath: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "File with the server's keys, made when there is none, so that a multiaddr that names its key stays good. Left out = new keys at each start.",
  },
  checkpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of the model's Hugging Face checkpoint, where the run's config does not hold the model itself.",
  },
  ...telemetry,
  logs: { type: "choice", choices: ["console", "json"], default: "console", doc: "Form of the log lines." },
});
