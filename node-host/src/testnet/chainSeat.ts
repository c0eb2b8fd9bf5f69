/**
 * The coordinator of a local testnet on the chain: a local validator in a process of its own, a run created on it with the commands that
 * a run creator types, and this process watching the run's account to tell what a coordinator's process would tell.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createRunOptions, joinAuthorizationCreateOptions, setPausedOptions, trainOptions, updateConfigOptions } from "@starling/config";
import { variablesOf } from "@starling/config/defineOptions";
import { cluster, programIds, wallet } from "@starling/config/programs/chain";
import type { LoadedRun } from "@starling/config/presets.node";
import { Machine } from "@starling/sdk/machine";
import { ClusterClient } from "@starling/sdk/solana/clusterClient";
import { LOCAL_PROGRAMS, PUBLIC_GRANTEE } from "@starling/sdk/solana/pdas";
import { connectSolanaCoordinator, type SolanaCoordinator } from "@starling/sdk/solana/solanaCoordinator";
import { HostError } from "../errors.ts";
import type { HostEvent, ParentMessage } from "../events.ts";
import type { LogLevel } from "../platform/logLevel.ts";
import { phaseTeller } from "../platform/phases.ts";
import { rosterTeller } from "../platform/roster.ts";
import { Child } from "./child.ts";
import type { Seat } from "./seat.ts";

/** Of another cluster, wallet or run, as an operator's shell may have them: all that matters here is said by flags. */
export const NO_FOREIGN_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...[createRunOptions, joinAuthorizationCreateOptions, updateConfigOptions, setPausedOptions].flatMap(({ options }) => options),
    ...trainOptions.options.filter(({ key }) => key === "authorizer" || key === "runId" || key in { ...cluster, ...wallet, ...programIds }),
  ]
    .flatMap(variablesOf)
    .map((name) => [name, ""]),
);

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const run = promisify(execFile);
const COMMAND_LIMIT_MS = 60_000;

export interface ChainSeatOptions {
  loaded: LoadedRun;
  /** wallet-1.json becomes the run's creator, wallet-2.json and on the clients' */
  folder: string;
  numClients: number;
  rpcPort: number;
  logFile: string | undefined;
  onEvent: (event: HostEvent) => void;
  /** the validator is gone, and all that was on it */
  onExit: (reason: string) => void;
  say: (line: string, level?: LogLevel) => void;
}

type Ready = Extract<HostEvent, { type: "validator" }>;

export class ChainSeat implements Seat {
  readonly name = "server";
  readonly #o: ChainSeatOptions;
  readonly #validator: Child;
  readonly #stopping = new AbortController();
  readonly #roster: ReturnType<typeof rosterTeller>;
  #client: ClusterClient | null = null;
  #coordinator: SolanaCoordinator | null = null;
  #ready: Ready | null = null;

  constructor(options: ChainSeatOptions) {
    this.#o = options;
    this.#roster = rosterTeller(options.onEvent);
    const { folder, numClients, rpcPort, logFile } = options;
    this.#validator = new Child({
      name: "validator",
      args: ["local-validator", "--json", "--rpc-port", String(rpcPort), "--wallets", String(numClients + 1), "--dir", folder],
      logFile,
      onEvent: (event) => {
        if (event.type !== "validator") return;
        this.#ready = event;
        this.#begin(event).catch((error: Error) => {
          if (!this.#stopping.signal.aborted) options.onExit(error.message);
        });
      },
      onExit: (code, signal) => {
        if (this.#stopping.signal.aborted) return;
        options.onExit(`the validator ended (${signal ?? `exit code ${code}`})\n${this.#validator.lastWords}`);
      },
    });
  }

  get alive(): boolean {
    return this.#validator.alive;
  }

  /** null while the validator starts */
  get urls(): { rpc: string; ws: string } | null {
    return this.#ready;
  }

  /** What a client's command line needs to find this run, and to act for its own wallet. */
  clientArgs(number: number): string[] {
    const { rpc, wallets } = this.#ready!;
    return ["--rpc", rpc, "--run-id", this.#o.loaded.runId, "--wallet-private-key-path", wallets[number]!];
  }

  send(message: ParentMessage): void {
    if (message.type !== "pause" && message.type !== "resume") return;
    const resume = message.type === "resume" ? ["--resume"] : [];
    this.#starling("set-paused", ...resume).catch((error: Error) =>
      this.#o.say(`the run cannot be ${message.type}d: ${error.message}`, "warn"),
    );
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#roster.stop();
    await this.#coordinator?.close();
    await this.#client?.close();
    await this.#validator.stop(graceMs);
  }

  async #begin({ rpc, ws }: Ready): Promise<void> {
    const { loaded, say } = this.#o;
    say(`a Solana validator of this machine answers at ${rpc}; the run is created on it ...`);
    await this.#starling("create-run");
    await this.#starling("join-authorization-create", "--authorizer", PUBLIC_GRANTEE);
    await this.#starling("update-config", "--config-path", loaded.configPath);
    await this.#starling("set-paused", "--resume");
    const client = (this.#client = new ClusterClient({ rpcUrls: [rpc], wsUrls: [ws] }));
    const coordinator = (this.#coordinator = await connectSolanaCoordinator({
      ...{ client, programs: LOCAL_PROGRAMS, runId: loaded.runId },
      signal: this.#stopping.signal,
    }));
    const tellPhase = phaseTeller(this.#o.onEvent);
    this.#o.onEvent({ type: "listening", peerId: "", multiaddrs: [rpc], runId: loaded.runId });
    coordinator.subscribe(({ bytes, members }) => {
      tellPhase(Machine.load(bytes).state(), members.length);
      this.#roster.tell(
        bytes,
        members.map(({ peerId }) => peerId),
      );
    });
  }

  /** As a run creator types it. Errors: HostError chain with the command's own sentence. */
  async #starling(verb: string, ...args: string[]): Promise<void> {
    const { loaded, folder } = this.#o;
    const runId = verb === "join-authorization-create" ? [] : ["--run-id", loaded.runId];
    const all = [verb, ...runId, "--rpc", this.#ready!.rpc, "--wallet-private-key-path", join(folder, "wallet-1.json"), ...args];
    const env = { ...process.env, ...NO_FOREIGN_ENVIRONMENT };
    const options = { timeout: COMMAND_LIMIT_MS, signal: this.#stopping.signal, env };
    await run(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...all], options).catch(
      (cause: Error & { stderr?: string }) => {
        throw new HostError("chain", `starling ${verb}: ${cause.stderr?.trim() || cause.message}`, { cause });
      },
    );
  }
}
