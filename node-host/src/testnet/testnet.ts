/** The local testnet's processes: started, started again when they die, and their common end: deadline, Ctrl-C, finished run. */
import { join, relative } from "node:path";
import { localDataDirectory, type LoadedRun } from "@starling/config/presets.node";
import { HostError, isWorthRestarting } from "../errors.ts";
import type { HostEvent } from "../events.ts";
import { makeFolder } from "../platform/folders.ts";
import type { LogLevel } from "../platform/logLevel.ts";
import { memberSentence, waitingSentence } from "../platform/sentences.ts";
import { Troubles } from "../platform/troubles.ts";
import type { Untimed, TuiInput } from "../tui/model.ts";
import { hostPort, portOf } from "./addresses.ts";
import { ChainSeat, NO_FOREIGN_ENVIRONMENT } from "./chainSeat.ts";
import { Child } from "./child.ts";
import { clientArgs, eventsArgs, serverArgs, widestClient, type LocalTestnetOptions } from "./childArgs.ts";
import { DataServerProcess, type ServedRun } from "./dataServerProcess.ts";
import { Killer } from "./killer.ts";
import { MAX_DEATHS, Restarts, WINDOW_MS } from "./restarts.ts";
import { MetricsExporter } from "../telemetry/telemetry.ts";
import type { Seat } from "./seat.ts";
import { Tally, type TestnetResult } from "./tally.ts";
import { TestnetPage } from "./testnetPage.ts";

/** A pausing run drains two rounds and saves; longer than this and something is wrong. */
const DRAIN_LIMIT_MS = 60_000;
/** Everybody is gone within 8 s of Ctrl-C: children get 6 to leave, then they are killed. */
const CHILD_STOP_MS = 6_000;
const LISTEN_LIMIT_MS = 30_000;
/** for the validator, its programs, and the run's transactions */
const CHAIN_LIMIT_MS = 120_000;
const EVALUATE_LIMIT_MS = 30_000;
const KILLED_RESTART_MS = 1_000;

export interface TestnetOptions {
  options: LocalTestnetOptions;
  loaded: LoadedRun;
  device: "gpu" | "software";
  serverPort: number;
  /** null = clients read the data themselves */
  served: ServedRun | null;
  /** where the run keeps its files */
  folder: string;
  /** `folder` is that of an earlier start, whose run goes on */
  resumed: boolean;
  say: Say;
  /** takes what a display shows besides the lines said */
  show: (input: Untimed<TuiInput>) => void;
  /** null = no page; port undefined = 8080, or any free one */
  web: { port: number | undefined; dataPath: string | null } | null;
  /** also keep every process's events in a file, whatever --write-log says */
  writeLogs: boolean;
  /** counted from the start of this process */
  deadlineMs: number | null;
}

export type Say = (line: string, level?: LogLevel) => void;

type Ending = { why: string; drain: boolean };

export class Testnet {
  readonly #o: TestnetOptions;
  readonly #tally = new Tally();
  readonly #clients = new Map<string, Child>();
  readonly #restarts = new Restarts();
  readonly #serverTroubles = new Troubles();
  /** died, and will be started again */
  readonly #restarting = new Set<string>();
  /** asked for, to have a paused run go on */
  #resuming: boolean;
  /** client names by the beginning of their peer id */
  readonly #names = new Map<string, string>();
  #server: Seat | null = null;
  /** the same, where the coordinator is the chain */
  #chain: ChainSeat | null = null;
  #dataServer: DataServerProcess | null = null;
  #page: TestnetPage | null = null;
  #serverAddress: string | null = null;
  /** TCP, WebSocket */
  #serverPorts: readonly [number, number] | null = null;
  #onListening: (() => void) | null = null;
  #onRest: (() => void) | null = null;
  #onHeldOut: (() => void) | null = null;
  #end!: (ending: Ending) => void;
  readonly #ending = new Promise<Ending>((resolve) => (this.#end = resolve));
  #stopping = false;
  #metrics: MetricsExporter | null = null;
  failed = false;

  constructor(options: TestnetOptions) {
    this.#o = options;
    this.#resuming = options.resumed;
  }

  /** Runs until told to stop; resolves to why it ended, with every child gone. */
  async run(stopRequested: Promise<string>): Promise<string> {
    const timers: NodeJS.Timeout[] = [];
    this.#exportMetrics();
    let killer: Killer | null = null;
    void stopRequested.then((reason) => this.#end({ why: `${reason}: stopped`, drain: false }));
    try {
      if (this.#o.deadlineMs !== null) {
        // performance.now() counts from the start of this process: the time asked for includes our own start
        const leftMs = Math.max(0, this.#o.deadlineMs - performance.now());
        timers.push(setTimeout(() => this.#end({ why: "the time asked for is over", drain: true }), leftMs));
      }
      const started = this.#start().then(() => {
        const { randomKillNum, randomKillInterval, allowedToKill, faultSeed } = this.#o.options;
        if (randomKillNum > 0) {
          killer = new Killer({ count: randomKillNum, intervalMs: randomKillInterval * 1000, allowed: allowedToKill, seed: faultSeed });
          const running = () =>
            [...this.#clients.values()].filter((c) => c.alive && this.#tally.isReady(c.name)).map((c) => numberOf(c.name));
          killer.start(running, (number) => this.#killAndRestart(`client-${number}`));
        }
      });
      const ending = await Promise.race([this.#ending, started.then(() => this.#ending)]);
      if (!ending.drain) return ending.why;
      const interrupted = await Promise.race([this.#drain(), stopRequested]);
      return interrupted === undefined ? ending.why : `${interrupted}: stopped while it drained`;
    } catch (error) {
      this.failed = true;
      throw error;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      (killer as Killer | null)?.stop();
      await this.#stopAll();
    }
  }

  result(): TestnetResult | null {
    return this.#tally.result(this.#o.options.numClients);
  }

  checkpoint(): string | null {
    return this.#tally.checkpoint();
  }

  async #start(): Promise<void> {
    const { loaded, options, folder, say } = this.#o;
    makeFolder(folder);
    const { web } = this.#o;
    if (web) this.#page = new TestnetPage({ runId: loaded.runId, port: web.port, dataPath: web.dataPath, say });
    const listening = new Promise<void>((resolve) => (this.#onListening = resolve));
    this.#startServer();
    const limitMs = options.onChain ? CHAIN_LIMIT_MS : LISTEN_LIMIT_MS;
    const late = setTimeout(() => {
      this.failed = true;
      this.#end({ why: `the coordinator did not listen within ${limitMs / 1000} s`, drain: false });
    }, limitMs);
    await listening;
    clearTimeout(late);
    const { served } = this.#o;
    if (served)
      this.#dataServer = new DataServerProcess({ run: served, folder, serverAddr: this.#serverAddress!, args: eventsArgs(options), say });
    say(
      `run ${loaded.runId}: coordinator at ${this.#chain ? this.#serverAddress : hostPort(this.#serverAddress!)}, ${options.numClients} clients, each its own process; files in ${folder}`,
    );
    this.#o.show({ type: "about", folder, join: this.#joinCommand() });
    say(`Ctrl-C ends it; one more client joins with: ${this.#joinCommand()}`);
    void this.#tellPage();
    if (this.#o.device === "software") say("the clients compile their kernels; on the software adapter that takes up to a minute ...");
    for (let number = 1; number <= options.numClients; number++) this.#startClient(number);
  }

  /** A restarted one listens where the first one did: its clients know it by that address. */
  #startServer(): void {
    const { loaded, options, folder, serverPort, say } = this.#o;
    if (options.onChain) {
      this.#server = this.#chain = new ChainSeat({
        ...{ loaded, folder, say, numClients: options.numClients, rpcPort: serverPort },
        logFile: options.writeLog || this.#o.writeLogs ? logFile(folder, "server") : undefined,
        onEvent: (event) => this.#heard("server", event),
        onExit: (reason) => {
          this.failed = true;
          this.#end({ why: `the chain is gone: ${reason}`, drain: false });
        },
      });
      return;
    }
    const [tcp, webSocket] = this.#serverPorts ?? [serverPort, 0];
    this.#server = this.#child("server", serverArgs({ loaded, options, folder, tcpPort: tcp, webSocketPort: webSocket }));
  }

  async #tellPage(): Promise<void> {
    const { say } = this.#o;
    const url = await this.#page?.url();
    if (!url || this.#stopping) return;
    const cluster = this.#chain?.urls;
    if (cluster) await this.#page!.showCluster(cluster.rpc, cluster.ws);
    say(`watch it, and join with this tab: ${url}`);
  }

  #joinCommand(): string {
    const { loaded } = this.#o;
    const isLocal = localDataDirectory(loaded.config, loaded.dataDirectory) !== null;
    const below = relative(process.cwd(), loaded.dataDirectory) || ".";
    const dataDir = isLocal ? ` --data-dir ${below.startsWith("..") ? loaded.dataDirectory : below}` : "";
    if (this.#chain)
      return `npm run starling -- train --rpc ${this.#serverAddress} --run-id ${loaded.runId} --wallet-private-key-path KEY_FILE${dataDir}`;
    return `npm run starling -- client --server-addr ${hostPort(this.#serverAddress!)}${dataDir}`;
  }

  #startClient(number: number): void {
    const name = `client-${number}`;
    const { loaded, options, device, folder, served } = this.#o;
    const found =
      this.#chain === null
        ? { verb: "client", args: ["--server-addr", this.#serverAddress!] }
        : { verb: "train", args: this.#chain.clientArgs(number) };
    const args = clientArgs(number, { loaded, options, device, folder, served, found });
    this.#tally.started(name);
    this.#clients.set(name, this.#child(name, args));
  }

  #child(name: string, args: readonly string[]): Child {
    const { options, folder } = this.#o;
    const child: Child = new Child({
      name,
      args: [...args, "--logs", "json", "--node-name", name],
      // one port serves the metrics of all
      env: { METRICS_LOCAL_PORT: "", ...(options.onChain && NO_FOREIGN_ENVIRONMENT) },
      logFile: options.writeLog || this.#o.writeLogs || name === "server" ? logFile(folder, name) : undefined,
      onEvent: (event) => this.#heard(name, event),
      onExit: (code, signal) => {
        this.#metrics?.down(name);
        const why = signal ?? `exit code ${code}`;
        this.#o.show({ type: "process", node: name, state: "ended", pid: null, why: this.#stopping ? "has ended" : `ended: ${why}` });
        if (this.#stopping) {
          this.#showStopping();
          return; // its last hash still counts
        }
        this.#tally.died(name);
        if (this.#restarting.has(name)) return; // we killed it
        this.#onDeath(name, code, `${signal ?? `exit code ${code}`}${child.lastWords ? `:\n${child.lastWords}` : ""}`);
      },
    });
    this.#o.show({ type: "process", node: name, state: "starting", pid: child.pid ?? null, why: null });
    return child;
  }

  /** What died by itself is started again, unless that would not help. */
  #onDeath(name: string, code: number | null, reason: string): void {
    const { say } = this.#o;
    say(`${name} ended unexpectedly (${reason})`, "error");
    // a coordinator that never listened, or a process that refuses its options, would only refuse again
    const hopeless = (code !== null && !isWorthRestarting(code)) || (name === "server" && this.#serverAddress === null);
    const delayMs = hopeless ? null : this.#restarts.died(name);
    if (delayMs !== null) {
      say(`${name} is started again in ${delayMs / 1000} s`, "warn");
      this.#o.show({ type: "process", node: name, state: "restarting", pid: null, why: `died, starts again in ${delayMs / 1000} s` });
      return this.#restartIn(name, delayMs);
    }
    const why = hopeless ? "starting it again would not help" : `it died ${MAX_DEATHS + 1} times within ${WINDOW_MS / 60_000} minutes`;
    say(`${name} is not started again: ${why}; its last words are above`, "error");
    this.#o.show({ type: "process", node: name, state: "given-up", pid: null, why: `not started again: ${why}` });
    // clients may die: the run goes on while enough are left; without its coordinator there is no run
    const left = [...this.#clients.values()].filter((c) => c.alive || this.#restarting.has(c.name)).length;
    const { min_clients, init_min_clients } = this.#o.loaded.config.config;
    if (name === "server" || left < min_clients) {
      this.failed = true;
      this.#end({
        why: name === "server" ? "the coordinator died" : `only ${left} clients are left, the run needs min_clients = ${min_clients}`,
        drain: false,
      });
    } else if (left < init_min_clients) {
      say(
        `the next epoch waits until there are init_min_clients = ${init_min_clients}, ${left} are left; one more joins with: ${this.#joinCommand()}`,
        "warn",
      );
    }
  }

  #restartIn(name: string, delayMs: number): void {
    this.#restarting.add(name);
    setTimeout(() => {
      this.#restarting.delete(name);
      if (this.#stopping) return;
      if (name === "server") this.#startServer();
      else this.#startClient(numberOf(name));
    }, delayMs).unref();
  }

  #killAndRestart(name: string): void {
    const child = this.#clients.get(name);
    if (!child?.alive || this.#stopping) return;
    this.#o.say(`${name} is killed (--random-kill-num) and started again`);
    this.#restartIn(name, KILLED_RESTART_MS);
    child.kill("SIGKILL");
  }

  #heard(name: string, event: HostEvent): void {
    this.#o.show({ type: "event", node: name, event });
    this.#metrics?.observe(name, event);
    this.#onEvent(name, event);
  }

  #onEvent(name: string, event: HostEvent): void {
    if (name === "server") return this.#onServerEvent(event);
    if (event.type === "starting") this.#names.set(event.peerId.slice(0, 8), name);
    const line = this.#tally.onClientEvent(name, event);
    if (line) this.#o.say(line, event.type === "warning" ? "warn" : "info");
    if (event.type === "held-out") this.#onHeldOut?.();
  }

  #onServerEvent(event: HostEvent): void {
    const { say } = this.#o;
    switch (event.type) {
      case "listening": {
        if (this.#serverAddress !== null) say("the coordinator is back");
        const webSocket = event.multiaddrs.find((address) => address.includes("/ws"));
        this.#serverAddress = event.multiaddrs.find((address) => address !== webSocket) ?? event.multiaddrs[0]!;
        if (this.#chain === null) this.#serverPorts = [portOf(this.#serverAddress), portOf(webSocket ?? "")];
        if (webSocket !== undefined) this.#page?.showCoordinator(webSocket);
        this.#onListening?.();
        return;
      }
      case "phase": {
        const before = this.#tally.phase;
        this.#tally.phase = event;
        if (before && event.step > before.step) {
          const line = this.#tally.roundLine(before.step, before.round, before.epochRounds, before.epoch);
          if (line) say(line);
        }
        if (before?.runState !== event.runState) {
          const line = phaseLine(event);
          if (line) say(line);
        }
        if (event.runState === "Paused" && this.#resuming) this.#server?.send({ type: "resume" });
        else if (event.runState === "Paused") this.#onRest?.();
        this.#resuming = false;
        if (event.runState === "Finished") this.#end({ why: "the run is finished: config.total_steps is reached", drain: true });
        return;
      }
      case "member":
        if (event.change !== "withdrawn" && !this.#stopping) {
          say(memberSentence(this.#names.get(event.client) ?? event.client, event.change), event.change === "joined" ? "debug" : "info");
        }
        return;
      case "warning": {
        const line = this.#serverTroubles.repeated(`server: ${event.message}`);
        if (line) say(line, "warn");
        return;
      }
      default:
        return;
    }
  }

  /** Pauses, waits until every agreed result is applied, has the final loss measured. */
  async #drain(): Promise<void> {
    const { say } = this.#o;
    const state = this.#tally.phase?.runState;
    if (state !== "Paused" && state !== "Finished") {
      say("pausing: two more rounds apply what is agreed ...");
      this.#o.show({ type: "stopping", doing: "two more rounds apply what is agreed, then the loss is measured" });
      const rest = new Promise<void>((resolve) => (this.#onRest = resolve));
      this.#server?.send({ type: "pause" });
      await within(rest, DRAIN_LIMIT_MS, () => {
        this.failed = true;
        throw new HostError(
          "engine",
          `the run did not come to rest within ${DRAIN_LIMIT_MS / 1000} s of pausing (it is in ${this.#tally.phase?.runState ?? "no state"})`,
        );
      });
    }
    const alive = [...this.#clients.values()].filter((c) => c.alive);
    const current = alive.filter((c) => this.#tally.isCurrent(c.name));
    for (const { name } of alive)
      if (!this.#tally.isCurrent(name)) say(`${name} took no part in the last rounds: its parameters are not the final ones`, "warn");
    const widest = `client-${widestClient(this.#o.options)}`;
    const evaluator = current.find(({ name }) => name === widest) ?? current[0];
    if (!evaluator) return;
    const measured = new Promise<void>((resolve) => (this.#onHeldOut = resolve));
    for (const client of current) client.send({ type: client === evaluator ? "evaluate" : "report" });
    await within(measured, EVALUATE_LIMIT_MS, () => say("the final held-out loss was not measured in time", "warn"));
  }

  /** Asks the coordinator to pause the run, which drains two rounds, or to go on. */
  pause(wanted: boolean): void {
    this.#server?.send({ type: wanted ? "pause" : "resume" });
  }

  #showStopping(): void {
    const left = [...this.#clients.values(), ...(this.#server ? [this.#server] : [])].filter((c) => c.alive).map((c) => c.name);
    this.#o.show({ type: "stopping", doing: left.length === 0 ? "everybody has ended" : `waits for ${left.join(", ")}` });
  }

  async #stopAll(): Promise<void> {
    this.#stopping = true;
    this.#showStopping();
    // clients first: they leave the run while there still is a coordinator to leave
    await Promise.all([...this.#clients.values()].map((child) => child.stop(CHILD_STOP_MS)));
    await Promise.all([this.#server?.stop(1_000), this.#dataServer?.stop()]);
    await Promise.all([this.#metrics?.close(), this.#page?.close()]);
  }

  #exportMetrics(): void {
    const { options, say } = this.#o;
    if (options.metricsLocalPort === undefined) return;
    this.#metrics = new MetricsExporter(options.metricsLocalPort, options.metricsHost, (event) => {
      if (event.type === "metrics") say(`metrics of all nodes, for Prometheus, at ${event.url}`);
      if (event.type === "warning") say(event.message, "warn");
    });
  }
}

/** The file with a process's events, one JSON object a line. */
export function logFile(folder: string, name: string): string {
  return join(folder, `${name}.log`);
}

async function within(promise: Promise<void>, ms: number, late: () => void): Promise<void> {
  let timer!: NodeJS.Timeout;
  const limit = new Promise<"late">((resolve) => (timer = setTimeout(() => resolve("late"), ms)));
  const first = await Promise.race([promise, limit]);
  clearTimeout(timer);
  if (first === "late") late();
}

/** What the coordinator does between rounds; null for what is over at once or has its own lines. */
function phaseLine({ runState, epoch, live, pending, wanted }: Extract<HostEvent, { type: "phase" }>): string | null {
  switch (runState) {
    case "WaitingForMembers":
      return pending < wanted ? waitingSentence(epoch, pending, wanted) : null;
    case "Warmup":
      return `epoch ${epoch}: warm-up with ${live} clients`;
    case "Cooldown":
      return `epoch ${epoch}: cooldown`;
    case "Paused":
      return "paused";
    case "Finished":
      return "the run is finished";
    case "Uninitialized":
    case "RoundTrain":
    case "RoundWitness":
      return null;
  }
}

function numberOf(client: string): number {
  return Number(client.slice("client-".length));
}
