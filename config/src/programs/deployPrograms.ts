/** Options of `deploy-programs`. */
import { defineOptions } from "../defineOptions.ts";
import { cluster, envFile, json, wallet } from "./chain.ts";

export const deployProgramsOptions = defineOptions({
  rpc: cluster.rpc,
  ...wallet,
  keys: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    env: null,
    doc: "Folder with coordinator.json, authorizer.json and treasurer.json, whose addresses become the programs' ids. Left out = the keys of this repository, which everybody knows: for local clusters only.",
  },
  dryRun: { type: "boolean", default: false, env: null, doc: "Only say what is to be done and what it costs." },
  envFile,
  json,
});
