/** Options of `doctor`. Those of `client` and `server` mean the same here; a check whose option is left out is skipped. */
import { defineOptions } from "../defineOptions.ts";
import { adapter, configPath, device, deviceDoc, port, serverAddr } from "./shared.ts";
import { activationRecomputation, microBatchSize } from "./training.ts";

const path = { type: "string", unit: "path", minBytes: 1, optional: true } as const;
const url = { type: "string", unit: "url", minBytes: 1, maxBytes: 2048, optional: true } as const;

export const doctorOptions = defineOptions({
  serverAddr: { ...serverAddr, optional: true, doc: "Coordinator to reach, whose clock and run are looked at." },
  configPath: { ...configPath, optional: true, doc: `${configPath.doc} Its memory and data are looked at; left out = the coordinator's.` },
  identitySecretKeyPath: { ...path, doc: "The client's key file." },
  checkpointDir: { ...path, doc: "Folder for checkpoints." },
  checkpoint: { ...path, doc: "Folder of the Hugging Face checkpoint that tells the run's model, where its config does not." },
  dataDir: { ...path, doc: "Folder against which a relative data path of the run is resolved; left out = that of --config-path." },
  bindHost: { type: "string", minBytes: 1, maxBytes: 64, default: "127.0.0.1", doc: "IP address to listen on." },
  bindP2pPort: { ...port, default: 0, doc: "Port on which other clients are to reach this one; 0 = any free port." },
  serverPort: { ...port, optional: true, doc: "Port on which a coordinator is to listen." },
  metricsLocalPort: { ...port, optional: true, doc: "Port of /metrics and /healthz." },
  microBatchSize,
  activationRecomputation,
  device: { ...device, default: "auto", env: null, doc: deviceDoc },
  adapter,
  rpc: { ...url, doc: "Solana RPC to ask: http:// or https://." },
  wsRpc: { ...url, flag: "--ws", aliases: ["--ws-rpc"], env: "WS_RPC", doc: "Solana websocket to reach: ws:// or wss://." },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object instead of text." },
});
