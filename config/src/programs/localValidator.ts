/** Options of `local-validator`. */
import { defineOptions } from "../defineOptions.ts";
import { port } from "./shared.ts";

export const localValidatorOptions = defineOptions({
  rpcPort: {
    ...port,
    max: 65_534,
    default: 8899,
    doc: "TCP port of the RPC; the websocket is on the next one, where clients look for it. 0 = any two free ports in a row.",
  },
  wallets: {
    type: "integer",
    unit: "wallets",
    min: 0,
    max: 64,
    default: 1,
    env: null,
    doc: "Wallets with SOL, as key files wallet-1.json, wallet-2.json ...; files that are there already are used again.",
  },
  walletSol: { type: "integer", unit: "SOL", min: 1, max: 1_000_000, default: 100, env: null, doc: "What each wallet holds at the start." },
  mint: {
    type: "boolean",
    default: false,
    env: null,
    doc: "Also create a token with 6 decimals, whose supply of 1,000,000,000 the first wallet holds.",
  },
  dir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    default: ".starling/local-validator",
    env: null,
    doc: "Folder of the key files.",
  },
  slotMs: { type: "integer", unit: "ms", min: 50, max: 10_000, default: 400, env: null, doc: "Time of a slot; 400 is a real cluster's." },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object, on one line, when it is ready." },
});
