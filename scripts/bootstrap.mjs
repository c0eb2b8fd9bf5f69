#!/usr/bin/env node
// The one way in: plain JavaScript for Node >= 18, imports nothing of ours. Installs what the lockfile names when it has
// changed, then runs the wanted script under the Node 24 that npm brought, so that the machine's own Node does not matter.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const ENTRY = {
  start: ["node-host/src/main.ts", "local-testnet", "start"],
  starling: ["node-host/src/main.ts"],
  test: ["scripts/test.ts"],
  e2e: ["scripts/e2e.ts"],
  ci: ["scripts/ci.ts"],
  check: ["scripts/check.ts"],
  golden: ["scripts/golden.ts"],
  bench: ["scripts/bench.ts"],
  lab: ["scripts/lab.ts"],
  lavapipe: ["scripts/lavapipe.ts"],
  generate: ["scripts/generate.ts"],
  sim: ["scripts/sim.ts"],
  soak: ["scripts/soak.ts"],
  screenshots: ["scripts/screenshots.ts"],
  "programs:verify": ["scripts/build-programs.mjs", "--verify"],
};

function fail(message) {
  process.stderr.write(`starling: ${message}\n`);
  process.exit(1);
}

const [first, ...rest] = process.argv.slice(2);
// called as the `starling` bin there is no verb of ours in front
const called = first !== undefined && Object.hasOwn(ENTRY, first) ? first : "starling";
const args = called === "starling" && first !== "starling" ? process.argv.slice(2) : rest;

if (Number(process.versions.node.split(".")[0]) < 18) {
  fail(`needs Node 18 or newer to install itself (it brings its own Node 24); this is ${process.version}`);
}

/** npm, run by this very Node when npm started us (its path is known then), from the PATH otherwise. Output to stderr. */
function npm(npmArgs) {
  const cli = process.env.npm_execpath;
  const viaNode = cli && cli.endsWith(".js") && existsSync(cli);
  const result = spawnSync(viaNode ? process.execPath : "npm", viaNode ? [cli, ...npmArgs] : npmArgs, {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (result.error) fail(`npm could not be started (${result.error.message}): install npm, then run this again`);
  return result.status ?? 1;
}

const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const stamp = join(root, "node_modules", ".starling-lock");
const nodeBin = join(root, "node_modules", "node", "bin", "node");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock || !existsSync(nodeBin)) {
  process.stderr.write("starling: installing what package-lock.json names (once, a minute or two) ...\n");
  const status = npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (status !== 0) fail(`npm ci ended with ${status}: see its messages above; it needs the npm registry and about 600 MB of disk`);
  if (!existsSync(nodeBin))
    fail(
      `npm ci brought no Node 24 at ${nodeBin}: is this a platform that the npm package "node" supports (Linux or macOS, x64 or arm64)?`,
    );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

const [script, ...fixed] = ENTRY[called];
// memory that stands still early: as node-host/src/testnet/child.ts
const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=8"];
// one that finds another software driver: scripts/lavapipe
const node = process.env.STARLING_NODE ?? nodeBin;
const child = spawn(node, [...flags, join(root, script), ...fixed, ...args], {
  stdio: "inherit",
  env: {
    MALLOC_ARENA_MAX: "2",
    ...process.env,
    PATH: `${dirname(node)}:${join(root, "node_modules", ".bin")}:${process.env.PATH ?? ""}`,
  },
});
// The child shares our terminal and gets Ctrl-C itself; a signal sent to us alone is passed on, and we wait for its answer.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {
  if (!process.stdin.isTTY) child.kill("SIGINT");
});
child.on("exit", (code, signal) => {
  // killed so that it could not give the terminal back: leave its display, show the cursor, have lines edited again
  if ((signal === "SIGKILL" || signal === "SIGSEGV" || signal === "SIGABRT") && process.stdin.isTTY && process.stdout.isTTY) {
    process.stdout.write("\u001b[?1049l\u001b[?25h\u001b[0m");
    spawnSync("stty", ["sane"], { stdio: "inherit" });
  }
  if (signal) process.exit(128 + (signal === "SIGINT" ? 2 : 15));
  process.exit(code ?? 1);
});
child.on("error", (error) => fail(`Node 24 could not be started: ${error.message}`));
