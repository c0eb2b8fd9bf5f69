/** The built page, web/dist: whether it is there and of these sources, and building it in a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
/** All that the page is made of. */
const SOURCES = ["web", "config", "shaders", "trainer-core", "coordinator/sdk", "vite.config.ts", "package-lock.json"];
const NO_SOURCE = /^(node_modules|dist|\..*|target|data|runs|lab|.*\.test\.tsx?|.*\.md)$/;
const CACHE = join(REPOSITORY, "web", ".cache");
const STAMP = "sources.sha256";
const BUILD_LIMIT_MS = 300_000;
const KEPT_OUTPUT_CHARS = 4_000;

export type PageState =
  | { type: "checking" }
  | { type: "building" }
  | { type: "ready" }
  /** `old`: one of earlier sources is there and served */
  | { type: "failed"; why: string; old: boolean };

export interface PageBuildOptions {
  /** the folder of the built page; default web/dist */
  directory?: string;
  /** false: what is there is served, whatever it was built from */
  mayBuild?: boolean;
  onChange?: (state: PageState) => void;
}

export class PageBuild {
  readonly directory: string;
  readonly #onChange: (state: PageState) => void;
  readonly #settled: Promise<void>;
  #state: PageState = { type: "checking" };
  #child: ChildProcess | null = null;
  #isStopped = false;

  /** Begins at once, and never throws: a page that cannot be built is a state. */
  constructor({ directory = join(REPOSITORY, "web", "dist"), mayBuild = true, onChange = () => undefined }: PageBuildOptions = {}) {
    this.directory = directory;
    this.#onChange = onChange;
    this.#settled = this.#run(mayBuild).catch((error: Error) => this.#failed(error.message));
  }

  get state(): PageState {
    return this.#state;
  }

  /** Resolves when the page is ready, or will not be. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#child?.kill("SIGKILL");
    await this.#settled;
  }

  async #run(mayBuild: boolean): Promise<void> {
    const isThere = this.#isThere();
    if (!mayBuild) {
      if (isThere) this.#become({ type: "ready" });
      else this.#failed(`there is no built page in ${this.directory}`);
      return;
    }
    const hash = await sourcesHash();
    const built = await readFile(join(this.directory, STAMP), "utf8").catch(() => "");
    if (isThere && built === hash) return this.#become({ type: "ready" });
    if (this.#isStopped) return;
    this.#become({ type: "building" });
    const fresh = join(CACHE, `page-${process.pid}`);
    try {
      await mkdir(CACHE, { recursive: true });
      await removeLeftovers();
      const complaint = await this.#vite(fresh);
      if (this.#isStopped) return;
      if (complaint !== null) return this.#failed(complaint);
      await writeFile(join(fresh, STAMP), hash);
      const old = `${fresh}-old`;
      await rename(this.directory, old).catch(() => undefined);
      // where another process was faster, its page is as good
      await rename(fresh, this.directory).catch((error: Error) => {
        if (!this.#isThere()) throw error;
      });
      await rm(old, { recursive: true, force: true });
      this.#become({ type: "ready" });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  /** Null when it went well, else why not. */
  #vite(outDir: string): Promise<string | null> {
    const vite = join(REPOSITORY, "node_modules", "vite", "bin", "vite.js");
    if (!existsSync(vite)) return Promise.resolve("vite is not installed: run npm ci with the development packages");
    return new Promise((resolve) => {
      const child = (this.#child = spawn(process.execPath, [vite, "build", "--outDir", outDir, "--emptyOutDir", "--logLevel", "warn"], {
        cwd: REPOSITORY,
        stdio: ["ignore", "pipe", "pipe"],
        // Ctrl-C reaches the whole foreground group; whoever began it ends it
        detached: true,
        timeout: BUILD_LIMIT_MS,
        killSignal: "SIGKILL",
      }));
      try {
        // training comes first
        setPriority(child.pid!, constants.priority.PRIORITY_LOW);
      } catch {
        // A system that lets nobody do so.
      }
      let output = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-KEPT_OUTPUT_CHARS)));
      }
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => {
        this.#child = null;
        resolve(code === 0 ? null : `vite build ended with ${signal ?? `code ${code}`}: ${output.trim()}`);
      });
    });
  }

  #failed(why: string): void {
    if (!this.#isStopped) this.#become({ type: "failed", why, old: this.#isThere() });
  }

  #become(state: PageState): void {
    this.#state = state;
    this.#onChange(state);
  }

  #isThere(): boolean {
    return existsSync(join(this.directory, "index.html"));
  }
}

/** Of processes that were killed while they built. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > 2 * BUILD_LIMIT_MS) await rm(path, { recursive: true, force: true });
  }
}

/** sha256 over names and contents, in hexadecimal. */
export async function sourcesHash(): Promise<string> {
  const hash = createHash("sha256");
  for (const path of (await Promise.all(SOURCES.map((name) => filesBelow(name)))).flat().sort()) {
    hash
      .update(`${path}\0`)
      .update(await readFile(join(REPOSITORY, path)))
      .update("\0");
  }
  return hash.digest("hex");
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(join(REPOSITORY, path), { withFileTypes: true }).catch(() => null);
  if (entries === null) return [path];
  const kept = entries.filter((entry) => (entry.isFile() || entry.isDirectory()) && !NO_SOURCE.test(entry.name));
  const below = await Promise.all(
    kept.map((entry) => (entry.isDirectory() ? filesBelow(`${path}/${entry.name}`) : Promise.resolve([`${path}/${entry.name}`]))),
  );
  return below.flat();
}
