/** Starts the real `starling` command and listens to it, as a script or a person would. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export interface Running {
  process: ChildProcess;
  /** lines of stdout so far */
  stdout: string[];
  stderr: string[];
  /** resolves at the first line of stdout or stderr that `test` accepts; rejects when the process ends before */
  line(test: (line: string) => boolean, limitMs: number): Promise<string>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** `starling ARGS`, entered through the bootstrap as users do. */
export function starling(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Running {
  const child = spawn(process.execPath, [`${REPOSITORY}/scripts/bootstrap.mjs`, "starling", ...args], {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return follow(child);
}

/** `onLine` hears every line of stdout. */
export function follow(child: ChildProcess, onLine: (line: string) => void = () => undefined): Running {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const take = (into: string[]) => (line: string) => {
    into.push(line);
    for (const w of waiting) w(line);
  };
  createInterface({ input: child.stdout! }).on("line", take(stdout)).on("line", onLine);
  createInterface({ input: child.stderr! }).on("line", take(stderr));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return {
    process: child,
    stdout,
    stderr,
    ended,
    line: (test, limitMs) => {
      const known = [...stdout, ...stderr].find(test);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        const said = () => `it said:\n${[...stdout, ...stderr].slice(-30).join("\n")}`;
        const done = (action: () => void) => {
          waiting.delete(look);
          clearTimeout(timer);
          action();
        };
        const look = (line: string) => {
          if (test(line)) done(() => resolve(line));
        };
        const timer = setTimeout(() => done(() => reject(new Error(`the line did not come within ${limitMs} ms; ${said()}`))), limitMs);
        waiting.add(look);
        void ended.then(({ code }) => done(() => reject(new Error(`it ended with ${code} before the line came; ${said()}`))));
      });
    },
  };
}

/** Processes whose command line holds `text` (Linux). */
export async function processesWith(text: string): Promise<number[]> {
  const { readdir, readFile } = await import("node:fs/promises");
  const found: number[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.includes(text)) found.push(Number(pid));
  }
  return found;
}
