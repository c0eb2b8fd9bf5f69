/**
 * `npm run soak -- --demo --hours H`: the demo at `test` size for hours. Each process's resident memory, heap and open descriptors go
 * into a CSV every 10 s; at the end, or at Ctrl-C, a table says what each did after its first ten minutes.
 */
import { spawn } from "node:child_process";
import { appendFileSync, closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { judge, table, type Sample } from "./soak/flatness.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const EVERY_MS = 10_000;
/** What a resident set of some hundred MiB may move by without anybody calling it growth. */
const FLAT_MIB_PER_HOUR = 10;

export interface SoakDemoOptions {
  hours: number;
  /** for the CSV, the log and the run's own files; made when it is not there */
  folder: string;
  clients: number;
}

/** Resolves to the exit code: 0 when every process stood still, gave its descriptors back and none died. */
export async function soakDemo({ hours, folder, clients }: SoakDemoOptions): Promise<number> {
  const root = resolve(folder);
  mkdirSync(join(root, "run"), { recursive: true });
  const csv = join(root, "samples.csv");
  const configPath = soakConfig(join(root, "run"));
  writeFileSync(csv, "seconds,process,pid,rssMiB,heapMiB,openFiles\n");
  console.log(
    `soak: ${clients} clients for ${hours} h; samples in ${csv}, events in ${join(root, "events")}, log in ${join(root, "log.txt")}`,
  );

  const startedMs = performance.now();
  const args = ["--config-path", configPath, "--num-clients", String(clients), "--server-port", "0", "--headless"];
  const timing = ["--headless-exit-after-secs", String(Math.round(hours * 3600)), "--events-dir", join(root, "events")];
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(REPOSITORY, "node-host/src/main.ts"), "local-testnet", "start", ...args, ...timing],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const said: string[] = [];
  let internalErrors = 0;
  let deaths = 0;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      appendFileSync(join(root, "log.txt"), `${line}\n`);
      if (line.includes("internal error")) internalErrors++;
      if (line.includes("ended unexpectedly")) deaths++;
      said.push(line);
      if (said.length > 20) said.shift();
    });
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));

  const samples: Sample[] = [];
  const heaps = new HeapReader(join(root, "events"));
  const timer = setInterval(() => {
    const now = processesBelow(child.pid!).map((found) => ({
      seconds: Math.round((performance.now() - startedMs) / 1000),
      ...found,
      heapMiB: heaps.of(found.process),
    }));
    samples.push(...now);
    appendFileSync(csv, now.map((s) => `${s.seconds},${s.process},${s.pid},${s.rssMiB},${s.heapMiB ?? ""},${s.openFiles}\n`).join(""));
  }, EVERY_MS);
  const code = await new Promise<number | null>((done) => child.once("close", done));
  clearInterval(timer);

  const verdicts = judge(samples);
  console.log(table(verdicts));
  const grown = verdicts.filter((v) => v.rssPerHourMiB > FLAT_MIB_PER_HOUR || v.openFilesLast > v.openFilesAtSettled + 4);
  const restarted = verdicts.filter((v) => v.starts > 1);
  console.log(`unhandled rejections: ${internalErrors}; processes that died: ${deaths}; the testnet ended with ${code}`);
  if (code !== 0) console.log(said.join("\n"));
  for (const { process } of grown) console.log(`${process} grew: see ${csv}`);
  if (verdicts.length === 0) console.log("shorter than ten minutes: nothing to judge");
  return code === 0 && internalErrors === 0 && deaths === 0 && grown.length === 0 && restarted.length === 0 ? 0 : 1;
}

/** The `test` preset without an end. Returns its path. */
function soakConfig(folder: string): string {
  const source = join(REPOSITORY, "config/runs/test/config.toml");
  const path = join(folder, "config.toml");
  const toml = readFileSync(source, "utf8")
    .replace(/^total_steps = \d+$/m, "total_steps = 100000000")
    .replace(/^Local = "(.*)"$/m, (_, local: string) => `Local = "${resolve(dirname(source), local)}"`);
  writeFileSync(path, toml);
  return path;
}

/** The testnet and its children (Linux). */
function processesBelow(root: number): Omit<Sample, "seconds" | "heapMiB">[] {
  const found: Omit<Sample, "seconds" | "heapMiB">[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      if (pid !== root && Number(/^PPid:\s+(\d+)/m.exec(status)![1]) !== root) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const identity = /(client-\d+)\.identity/.exec(command.join(" "));
      const name = pid === root ? "local-testnet" : (identity?.[1] ?? command.find((word) => word === "server") ?? "other");
      const rssMiB = Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 102.4) / 10;
      found.push({ process: name, pid, rssMiB, openFiles: readdirSync(`/proc/${pid}/fd`).length });
    } catch {
      // it ended while we looked
    }
  }
  return found;
}

/** The newest heap that each node told in its event files. */
class HeapReader {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  of(node: string): number | null {
    try {
      const folder = join(this.#folder, node);
      const text = tailOf(join(folder, readdirSync(folder).sort().at(-1)!), 65_536);
      const line = text.split("\n").findLast((each) => each.startsWith("{") && each.includes('"type":"resources"') && each.endsWith("}"));
      return line === undefined ? null : Math.round((JSON.parse(line) as { heapBytes: number }).heapBytes / 104_857.6) / 10;
    } catch {
      return null; // no file yet
    }
  }
}

function tailOf(path: string, bytes: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(bytes, size));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8");
  } finally {
    closeSync(file);
  }
}
