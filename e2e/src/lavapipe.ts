/**
 * Mesa's software Vulkan driver (lavapipe) of Debian's backports, with the C library that it needs and a Node that uses both. It has
 * half precision and matrix products of whole subgroups, which the bundled SwiftShader has not: with it the kernels for tensor cores run
 * where there is no GPU. Everything lies in one folder; the machine's own packages stay as they are.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Mesa has had these features in lavapipe since 26.1. */
const SUITE = "trixie";
const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1", "libstdc++6"];
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const STAMP = "stamp.json";
const DRIVER_FILE = "lavapipe.json";

export class LavapipeError extends Error {
  override readonly name = "LavapipeError";
  readonly code = "lavapipe";
}

export const lavapipeFolder = (): string => join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "starling", "lavapipe");

/** What was installed: a folder that was moved is not what it says. */
const wanted = (folder: string): string => JSON.stringify({ folder, suite: SUITE, packages: PACKAGES });

export function isReady(folder = lavapipeFolder()): boolean {
  try {
    return readFileSync(join(folder, STAMP), "utf8") === wanted(folder);
  } catch {
    return false;
  }
}

export interface LavapipeEnvironment extends Record<string, string> {
  VK_DRIVER_FILES: string;
  STARLING_TEST_ADAPTER: "system";
  /** path of the Node that runs with the driver's libraries */
  STARLING_NODE: string;
  PATH: string;
}

/** In which a command finds the driver, and our tests and golden cases take it. Makes the Node for it, this checkout's. */
export function lavapipeEnvironment(folder = lavapipeFolder()): LavapipeEnvironment {
  const modules = join(import.meta.dirname, "../../node_modules");
  const node = makeNode(join(modules, "node/bin/node"), join(folder, "root", LIBRARIES), join(modules, ".cache/starling-lavapipe"));
  return {
    VK_DRIVER_FILES: join(folder, DRIVER_FILE),
    STARLING_TEST_ADAPTER: "system",
    STARLING_NODE: node,
    PATH: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
  };
}

/** What it offers, in a sentence. Errors: LavapipeError with what the program that looks said last. */
export function describeLavapipe(folder = lavapipeFolder()): string {
  const environment = { ...process.env, ...lavapipeEnvironment(folder) };
  return run(environment.STARLING_NODE, [join(import.meta.dirname, "lavapipeOffer.ts")], environment).trim();
}

/** Downloads about 65 MB and unpacks 310. Errors: LavapipeError with what is missing. */
export function installLavapipe(folder = lavapipeFolder(), say: (line: string) => void = () => undefined): void {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new LavapipeError(`lavapipe is installed on x64 Linux alone, not on ${process.platform} ${process.arch}`);
  const mirror = debianMirror();
  mkdirSync(dirname(folder), { recursive: true });
  const building = `${folder}.${process.pid}`;
  try {
    say(`downloading Mesa of ${SUITE}-backports ...`);
    const archives = download(mirror, join(building, "apt"));
    const root = join(building, "root");
    for (const name of readdirSync(archives).filter((file) => file.endsWith(".deb"))) run("dpkg-deb", ["-x", join(archives, name), root]);
    rmSync(join(building, "apt"), { recursive: true });
    const icd = {
      ICD: { api_version: "1.4.0", library_path: join(folder, "root", LIBRARIES, "libvulkan_lvp.so") },
      file_format_version: "1.0.1",
    };
    writeFileSync(join(building, DRIVER_FILE), JSON.stringify(icd));
    rmSync(folder, { recursive: true, force: true });
    renameSync(building, folder);
    // it is ready where it runs: this machine's processor may lack what its compiler takes for granted
    const offer = describeLavapipe(folder);
    if (!offer.includes("tensor cores of")) throw new LavapipeError(`lavapipe is installed, and of no use here: ${offer}`);
    writeFileSync(join(folder, STAMP), wanted(folder));
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** The mirror that this machine's own apt is set to. */
function debianMirror(): string {
  const { stdout, error } = spawnSync("apt-get", ["-o", "Debug::NoLocking=true", "--print-uris", "update"], { encoding: "utf8" });
  const found = error ? null : /^'(\S+\/debian\/?)\/?dists\//m.exec(stdout);
  if (!found) throw new LavapipeError("lavapipe comes from Debian's package mirror, and apt here names none: run this on Debian");
  return found[1]!;
}

/** With lists and archives of its own, and as though nothing were installed: so that all that is needed comes along. */
function download(mirror: string, apt: string): string {
  const archives = join(apt, "cache/archives");
  for (const part of ["state/lists/partial", "cache/archives/partial", "etc"]) mkdirSync(join(apt, part), { recursive: true });
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
  const sources = join(apt, "etc/sources.list");
  writeFileSync(sources, [SUITE, `${SUITE}-backports`].map((suite) => `deb ${signed}${mirror} ${suite} main\n`).join(""));
  const status = join(apt, "state/status");
  writeFileSync(status, "");
  const settings = {
    "Dir::State": join(apt, "state"),
    "Dir::State::status": status,
    "Dir::Cache": join(apt, "cache"),
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "-",
    "APT::Install-Recommends": "false",
    "APT::Architecture": "amd64",
    "Debug::NoLocking": "true",
    "Acquire::Languages": "none",
    "APT::Update::Error-Mode": "any",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  run("apt-get", [...options, "-qq", "update"]);
  run("apt-get", [...options, "-qq", "-y", "-t", `${SUITE}-backports`, "--download-only", "install", ...PACKAGES]);
  return archives;
}

/**
 * The path of a Node with other libraries. It is started by their loader, for which it then takes itself; what it starts as itself is
 * to be this one again.
 */
function makeNode(real: string, libraries: string, bin: string): string {
  const node = join(bin, "node");
  const itself = join(bin, "itself.cjs");
  const start = [join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries, real, "--require", itself];
  const script = `#!/bin/sh\nexec ${start.map(quoted).join(" ")} "$@"\n`;
  // somebody may be starting it
  if (existsSync(node) && readFileSync(node, "utf8") === script) return node;
  mkdirSync(bin, { recursive: true });
  writeFileSync(itself, `process.execPath = ${JSON.stringify(node)};\n`);
  writeFileSync(`${node}.${process.pid}`, script, { mode: 0o755 });
  renameSync(`${node}.${process.pid}`, node);
  return node;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26, env });
  if (status === 0) return stdout;
  const said = stderr.trim().split("\n");
  const why = error?.message ?? (said.find((line) => /^[EW]: /.test(line)) || said.at(-1) || `exit code ${status ?? signal}`);
  throw new LavapipeError(`lavapipe cannot be installed: ${command} says: ${why}`);
}
