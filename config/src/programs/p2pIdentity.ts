/** Options of the commands about a client's identity file, and of `predownload`. */
import { defineOptions } from "../defineOptions.ts";
import { cluster, envFile, json, programIds, runId } from "./chain.ts";
import { configPath } from "./shared.ts";

const identityPath = { type: "strings", unit: "path", flag: "--identity-secret-key-path", positional: true, maxLength: 1 } as const;

export const showStaticP2pIdentityOptions = defineOptions({
  path: { ...identityPath, default: [], doc: "Identity file; left out = RAW_IDENTITY_SECRET_KEY." },
  rawIdentitySecretKey: {
    type: "string",
    optional: true,
    secret: true,
    check: (text: string): string | null => (/^[0-9a-fA-F]{64}$/.test(text.trim()) ? null : "must be 64 hex digits"),
    doc: "The key itself, as 64 hex digits.",
  },
  envFile,
  json,
});

export const createStaticP2pIdentityOptions = defineOptions({
  path: { ...identityPath, minLength: 1, doc: "Identity file to write; one that is there stays as it is." },
  json,
});

export const predownloadOptions = defineOptions({
  configPath: { ...configPath, optional: true, doc: `${configPath.doc} Left out = the config that the chain has for --run-id.` },
  runId: { ...runId, optional: true },
  dataDir: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder against which a relative data path is resolved; left out = that of --config-path, else the working folder.",
  },
  checkpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of the model's Hugging Face checkpoint, where the run's config does not hold the model itself.",
  },
  model: { type: "boolean", default: false, env: null, doc: "Look only at the model." },
  evalTasks: { type: "string", optional: true, doc: "Accepted and without effect: evaluation tasks are not part of this version." },
  hubMaxConcurrentDownloads: {
    type: "integer",
    min: 1,
    max: 64,
    default: 3,
    doc: "Accepted and without effect: nothing is fetched from a hub.",
  },
  ...cluster,
  ...programIds,
  envFile,
  json,
});
