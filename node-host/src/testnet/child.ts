/** One child process of the local testnet: its events, its last words, and a way to end it that always ends it. */
import { fork, type ChildProcess } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseEvent, type HostEvent, type ParentMessage } from "../events.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const KEPT_STDERR_LINES = 20;
/**
 * A daemon's memory is to stand still early: V8 would let its young generation grow to 3 x 32 MiB over an hour, and malloc keep up
 * to 8 pools a core for its threads. As in scripts/bootstrap.mjs.
 */
const NODE_ARGUMENTS = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=8"] as const;
const MALLOC_ARENA_MAX = "2";

export interface ChildOptions {
  name: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** also write everything the child prints to this file */
  logFile?: string;
  onEvent: (event: HostEvent) => void;
  onExit: (code: number | null, signal: NodeJS.Signals | null) => void;
}

export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #stderr: string[] = [];
  readonly #log: WriteStream | null;
  #alive = true;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#log = options.logFile ? createWriteStream(options.logFile, { flags: "a" }) : null;
    this.#log?.on("error", () => undefined); // a full disk must not end a run
    this.#process = fork(MAIN, [...options.args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [...NODE_ARGUMENTS],
      env: { MALLOC_ARENA_MAX, ...process.env, ...options.env },
      // Ctrl-C reaches the whole foreground group; the testnet wants to be the only one who ends its children
      detached: true,
    });
    createInterface({ input: this.#process.stdout! }).on("line", (line) => {
      this.#log?.write(`${line}\n`);
      const event = parseEvent(line);
      if (event) options.onEvent(event);
    });
    createInterface({ input: this.#process.stderr! }).on("line", (line) => {
      this.#log?.write(`${line}\n`);
      this.#stderr.push(line);
      if (this.#stderr.length > KEPT_STDERR_LINES) this.#stderr.shift();
    });
    this.#exited = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        this.#alive = false;
        this.#log?.end();
        options.onExit(code, signal);
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What it last wrote to stderr, for the sentence that says why it died. */
  get lastWords(): string {
    return this.#stderr.join("\n");
  }

  send(message: ParentMessage): void {
    if (this.#alive && this.#process.connected) this.#process.send(message, () => undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks it to stop, and kills it when it has not after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#alive) return;
    this.send({ type: "stop" });
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }
}
