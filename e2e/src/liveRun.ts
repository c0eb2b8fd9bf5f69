/**
 * A run of separate processes that share nothing but the network: one `starling server`, several `starling client`, each with a
 * folder of its own; started, killed, frozen and started again by a test that reads what they say.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { follow, REPOSITORY, type Running } from "./processes.ts";

/** One line of a process with `--logs json`; its fields depend on its type. */
export interface Line {
  type: string;
  atMs: number;
  [field: string]: unknown;
}

/** A line of type `round`: what the round client tells. */
export interface RoundLine {
  type: string;
  atMs: number;
  step: number;
  epoch: number;
  parameterHash: string;
  loss: number | null;
  [field: string]: unknown;
}

export interface Phase {
  atMs: number;
  runState: string;
  epoch: number;
  step: number;
  round: number;
  live: number;
}

/** One process, from its start to its end. */
export class Node {
  readonly name: string;
  readonly running: Running;
  readonly lines: Line[] = [];
  readonly rounds: RoundLine[] = [];
  readonly phases: Phase[] = [];
  ended = false;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.running = follow(child, (text) => this.#take(text));
    void this.running.ended.then(() => (this.ended = true));
  }

  #take(text: string): void {
    if (!text.startsWith("{")) return;
    const line = JSON.parse(text) as Line;
    this.lines.push(line);
    if (line.type === "round") this.rounds.push({ ...(line["event"] as RoundLine), atMs: line.atMs });
    if (line.type === "phase") this.phases.push(line as unknown as Phase);
  }

  signal(signal: NodeJS.Signals): void {
    this.running.process.kill(signal);
  }

  of(type: string): Line[] {
    return this.lines.filter((line) => line.type === type);
  }

  told(type: string): RoundLine[] {
    return this.rounds.filter((line) => line.type === type);
  }

  /** parameter hashes by step, of this process */
  hashes(): Map<number, string> {
    return new Map([...this.told("parameterHash"), ...this.told("epochModel")].map(({ step, parameterHash }) => [step, parameterHash]));
  }

  /** what it said last, for a failing test's message */
  tail(lines = 12): string {
    const said = [
      ...this.running.stdout.filter((line) => !/"type":"(resources|traffic|roster|votes|peers)"/.test(line)).slice(-lines),
      ...this.running.stderr.slice(-lines),
    ];
    return said.map((line) => `  ${this.name}: ${line.slice(0, 300)}`).join("\n");
  }
}

export interface LiveRunOptions {
  clients: number;
  /** values of `[config]` of the `test` preset to change */
  config: Readonly<Record<string, number>>;
  /** where a node's process runs; default: here */
  place?: (name: string, command: string[]) => { command: string[]; host: string };
}

const MAIN = join(REPOSITORY, "node-host/src/main.ts");

export class LiveRun {
  readonly folder: string;
  readonly #options: LiveRunOptions;
  readonly #nodes: Node[] = [];
  readonly #clients = new Map<number, Node>();
  #server: Node | null = null;
  #address: { tcp: string; tcpPort: string; ws: string; wsPort: string } | null = null;

  constructor(options: LiveRunOptions) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), "starling-chaos-"));
    let toml = readFileSync(join(REPOSITORY, "config/runs/test/config.toml"), "utf8");
    for (const [key, value] of Object.entries(options.config)) {
      const line = new RegExp(`^${key} = .*$`, "m");
      if (!line.test(toml)) throw new Error(`config/runs/test has no ${key}`);
      toml = toml.replace(line, `${key} = ${value}`);
    }
    writeFileSync(join(this.folder, "config.toml"), toml);
  }

  get server(): Node {
    return this.#server!;
  }

  /** The coordinator's multiaddr for tabs. */
  get webSocket(): string {
    return this.#address!.ws;
  }

  client(number: number): Node {
    return this.#clients.get(number)!;
  }

  get clients(): Node[] {
    return [...this.#clients.values()];
  }

  /** The coordinator, then every client at once. */
  async start(): Promise<void> {
    await this.startServer();
    for (let number = 1; number <= this.#options.clients; number++) this.startClient(number);
  }

  /** On the ports and with the state of the one before, if there was one. */
  async startServer(): Promise<Node> {
    const server = this.#spawn("server", (host) => [
      "server",
      "--config-path",
      this.folder,
      "--bind-host",
      host,
      "--server-port",
      this.#address?.tcpPort ?? "0",
      "--server-ws-port",
      this.#address?.wsPort ?? "0",
      "--save-state-dir",
      this.#own("server"),
    ]);
    this.#server = server;
    const [listening] = await this.until("the coordinator listens", 30_000, () => server.of("listening"));
    const addresses = listening["multiaddrs"] as string[];
    const tcp = addresses.find((address) => !address.includes("/ws"))!;
    const portIn = (address: string): string => /\/tcp\/(\d+)/.exec(address)![1];
    const ws = addresses.find((address) => address.includes("/ws"))!;
    this.#address = { tcp, tcpPort: portIn(tcp), ws, wsPort: portIn(ws) };
    return server;
  }

  /** `args`: how it is to compute. `device`: on what; a driver other than ours needs a `place` too. */
  startClient(number: number, args: readonly string[] = ["--micro-batch-size", "4"], device: "software" | "gpu" = "software"): Node {
    const name = `client-${number}`;
    const node = this.#spawn(name, (host) => [
      "client",
      "--server-addr",
      this.#address!.tcp,
      "--bind-host",
      host,
      "--data-dir",
      join(REPOSITORY, "config/runs/test"),
      "--identity-secret-key-path",
      join(this.#own(name), "identity.json"),
      "--checkpoint-dir",
      this.checkpoints(number),
      "--device",
      device,
      "--hash-each-round",
      "true",
      ...args,
    ]);
    this.#clients.set(number, node);
    return node;
  }

  checkpoints(number: number): string {
    return join(this.#own(`client-${number}`), "checkpoints");
  }

  #own(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #spawn(name: string, args: (host: string) => string[]): Node {
    const plain = [process.execPath, "--disable-warning=ExperimentalWarning", MAIN];
    const { command, host } = this.#options.place?.(name, plain) ?? { command: plain, host: "127.0.0.1" };
    const child = spawn(command[0], [...command.slice(1), ...args(host), "--logs", "json"], {
      cwd: this.#own(name),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const node = new Node(name, child);
    this.#nodes.push(node);
    return node;
  }

  /** Polls until `test` gives something that is neither null, false nor empty. Fails with what every process said last. */
  async until<T>(what: string, limitMs: number, test: () => T): Promise<NonNullable<T>> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      const got = test();
      if (got && !(Array.isArray(got) && got.length === 0)) return got;
      if (performance.now() > deadlineMs) {
        const said = [this.#server, ...this.clients].flatMap((node) => (node ? [node.tail()] : [])).join("\n");
        throw new Error(`not within ${limitMs} ms: ${what}\n${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** ms of each round that began and ended in the epoch, by step: from RoundTrain to the next RoundTrain or to the epoch's end. */
  roundMs(epoch: number): Map<number, number> {
    const begins = this.#nodes
      .filter(({ name }) => name === "server")
      .flatMap(({ phases }) => phases)
      .filter((phase) => phase.epoch === epoch && ["RoundTrain", "Cooldown"].includes(phase.runState));
    const first = begins.filter((phase, i) => i === 0 || phase.step !== begins[i - 1].step);
    return new Map(first.slice(1).map((phase, i) => [first[i].step, phase.atMs - first[i].atMs]));
  }

  /** Everything that reported a hash for a step reported the same; returns the steps that at least two processes reported. */
  equalSteps(): { steps: number[]; different: string[] } {
    const bySteps = new Map<number, Map<string, string[]>>();
    const counts = new Map<number, Set<string>>();
    for (const node of this.#nodes) {
      for (const [step, hash] of node.hashes()) {
        const byHash = bySteps.get(step) ?? new Map<string, string[]>();
        bySteps.set(step, byHash.set(hash, [...(byHash.get(hash) ?? []), node.name]));
        counts.set(step, (counts.get(step) ?? new Set()).add(node.name));
      }
    }
    return {
      steps: [...counts].filter(([, names]) => names.size > 1).map(([step]) => step),
      different: [...bySteps]
        .filter(([, byHash]) => byHash.size > 1)
        .map(([step, byHash]) => `step ${step}: ${JSON.stringify([...byHash])}`),
    };
  }

  /** Ends every process and removes every file. */
  async stop(): Promise<void> {
    for (const node of this.#nodes) {
      if (node.ended) continue;
      node.signal("SIGCONT");
      node.signal("SIGKILL");
      await node.running.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
