/** A command in a real pseudo terminal, by python3's `pty` (Node has none of its own). */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Writable } from "node:stream";

const HELPER = fileURLToPath(new URL("./pseudoTerminal.py", import.meta.url));

export interface PseudoTerminal {
  /** everything written to the terminal so far */
  bytes(): Buffer;
  /** the same as text */
  text(): string;
  /** as if typed */
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  /** resolves when `test` accepts the text written so far; rejects after `limitMs`, or when the command ends before */
  until(test: (text: string) => boolean, limitMs: number): Promise<void>;
  /** the command's exit code; 128 + N where signal N ended it */
  ended: Promise<number>;
  /** hangs up, as a closed window does */
  hangUp(): void;
  /** process id of the helper, whose only child is the command */
  pid: number;
}

/** null where it can run; else why not. */
export function noPseudoTerminal(): string | null {
  const found = spawnSync("python3", ["-c", "import pty"], { stdio: "ignore" });
  return found.status === 0 ? null : "needs python3, whose pty module makes the pseudo terminal";
}

export function openPseudoTerminal(
  command: readonly string[],
  { columns, rows, env, cwd }: { columns: number; rows: number; env: Readonly<Record<string, string | undefined>>; cwd?: string },
): PseudoTerminal {
  const child = spawn("python3", [HELPER, String(columns), String(rows), ...command], {
    cwd,
    env: { ...env },
    stdio: ["pipe", "pipe", "inherit", "pipe"],
  });
  const chunks: Buffer[] = [];
  const listeners = new Set<() => void>();
  child.stdout!.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    for (const listener of listeners) listener();
  });
  child.stdin!.on("error", () => undefined);
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? 1)));
  const control = child.stdio[3] as Writable;
  control.on("error", () => undefined);
  const text = () => Buffer.concat(chunks).toString();
  return {
    bytes: () => Buffer.concat(chunks),
    text,
    type: (keys) => void child.stdin!.write(keys),
    resize: (c, r) => void control.write(`${c} ${r}\n`),
    ended,
    hangUp: () => child.kill("SIGTERM"),
    pid: child.pid!,
    until: (test, limitMs) =>
      new Promise((resolve, reject) => {
        const done = (action: () => void) => {
          listeners.delete(look);
          clearTimeout(timer);
          action();
        };
        const look = () => {
          if (test(text())) done(resolve);
        };
        const failed = (why: string) =>
          done(() => reject(new Error(`${why}; the terminal's last bytes: ${JSON.stringify(text().slice(-2000))}`)));
        const timer = setTimeout(() => failed(`not within ${limitMs} ms`), limitMs);
        listeners.add(look);
        void ended.then((code) => failed(`the command ended with ${code} before`));
        look();
      }),
  };
}
