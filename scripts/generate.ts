/**
 * Writes the files that are derived from others: embedded shaders, the IDLs and clients of the Solana programs, docs/options.md, docs/telemetry.md and docs/limits.md, the Grafana dashboard, the graph in docs/architecture.md.
 * `--check` writes nothing and fails when one of them is not up to date.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { docs } from "@starling/config/docs";
import { dashboardJson } from "@starling/node-host/telemetry/dashboard";
import { telemetryDocs } from "@starling/node-host/telemetry/docs";
import { limitsDocs } from "./limitsDocs.ts";
import { ROOMS } from "./rooms.ts";

const check = process.argv.includes("--check");
let stale = 0;

function put(path: string, text: string): void {
  let present = "";
  try {
    present = readFileSync(path, "utf8");
  } catch {
    // not there yet
  }
  if (present === text) return;
  if (check) {
    stale++;
    process.stderr.write(`${path} is not what its sources say: run "npm run generate"\n`);
  } else writeFileSync(path, text);
}

function graph(): string {
  const id = (name: string) => name.replaceAll("-", "_");
  const rooms = ROOMS.map((r) => `  ${id(r.name)}["${r.name}<br/><small>${r.what}</small>"]`);
  const arrows = ROOMS.flatMap((r) => r.mayImport.map((to) => `  ${id(r.name)} --> ${id(to)}`));
  return ["```mermaid", "flowchart TD", ...rooms, ...arrows, "```"].join("\n");
}

const shaders = spawnSync(process.execPath, ["scripts/embedShaders.mjs", ...(check ? ["--check"] : [])], { stdio: ["ignore", 2, 2] });
if (shaders.status !== 0) stale++;
const clients = spawnSync(process.execPath, ["scripts/generateClients.ts", ...(check ? ["--check"] : [])], { stdio: ["ignore", 2, 2] });
if (clients.status !== 0) stale++;

put("docs/options.md", docs());
put("docs/telemetry.md", telemetryDocs());
put("docs/limits.md", limitsDocs());
put("config/deploy/grafana/starling.json", dashboardJson());
const architecture = readFileSync("docs/architecture.md", "utf8");
put(
  "docs/architecture.md",
  architecture.replace(/(<!-- graph -->\n)[\s\S]*?(\n<!-- \/graph -->)/, (_, open: string, close: string) => `${open}${graph()}${close}`),
);

if (stale > 0) process.exit(1);
