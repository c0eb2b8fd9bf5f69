/** A run on a local validator, made with the commands that people type: each one a process, and every daemon too. */
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getBase58Decoder } from "@solana/kit";
import { Node } from "./liveRun.ts";
import { REPOSITORY } from "./processes.ts";

const MAIN = [process.execPath, "--disable-warning=ExperimentalWarning", join(REPOSITORY, "node-host/src/main.ts")];
const COMMAND_LIMIT_MS = 120_000;
/** no RPC answers; the outcome is unknown (docs/commands.md) */
const TRY_AGAIN = new Set([4, 7]);
const COMMAND_TRIES = 4;

interface Ready {
  rpc: string;
  ws: string;
  wallets: string[];
  mint: string;
}

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** Of a key file as solana-keygen writes it. */
export function addressOf(keyFile: string): string {
  const key = JSON.parse(readFileSync(keyFile, "utf8")) as number[];
  return getBase58Decoder().decode(Uint8Array.from(key.slice(32)));
}

export class OnChain {
  readonly folder = mkdtempSync(join(tmpdir(), "starling-chain-"));
  readonly #nodes: Node[] = [];
  #ready!: Ready;

  /** The validator, with so many wallets and a mint. */
  async start(wallets: number): Promise<void> {
    const validator = this.#spawn("validator", [
      ...["local-validator", "--rpc-port", "0", "--json", "--mint"],
      ...["--wallets", String(wallets), "--dir", this.own("keys")],
    ]);
    const [line] = await this.until("the validator is ready", 120_000, () => validator.lines);
    this.#ready = line as unknown as Ready;
  }

  get rpc(): string {
    return this.#ready.rpc;
  }

  get ws(): string {
    return this.#ready.ws;
  }

  get mint(): string {
    return this.#ready.mint;
  }

  /** Key file of a wallet, from 1 on. */
  wallet(number: number): string {
    return this.#ready.wallets[number - 1];
  }

  own(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** A command's whole life. Ends it after a while. */
  say(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
    return new Promise((resolve) => {
      const options = { cwd: REPOSITORY, timeout: COMMAND_LIMIT_MS, env: { ...process.env, ...env } };
      execFile(command[0], command.slice(1), options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /**
   * `starling VERB ... --rpc RPC`; resolves to stdout. Throws with what it said where it fails. On a busy machine the validator can be
   * slower than a command waits for it: such a command is said again, as its user would.
   */
  async starling(...args: string[]): Promise<string> {
    const command = [...MAIN, ...args, "--rpc", this.rpc];
    let said = await this.say(command);
    for (let tries = 1; TRY_AGAIN.has(said.code) && tries < COMMAND_TRIES; tries++) said = await this.say(command);
    const { code, stdout, stderr } = said;
    if (code !== 0) throw new Error(`starling ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** A command that signs with a wallet. */
  by(wallet: number, ...args: string[]): Promise<string> {
    return this.starling(...args, "--wallet-private-key-path", this.wallet(wallet));
  }

  /** Whether a command ends with 0. */
  async succeeds(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
    return this.say([...MAIN, ...args, "--rpc", this.rpc], env);
  }

  /**
   * `starling train --env-file FILE`, with the environment file that document 001 describes and the key as `docker run -e` gives it;
   * what comes in `more` goes into the file too.
   */
  train(name: string, wallet: number, runId: string, more: Readonly<Record<string, string>> = {}, ...args: string[]): Node {
    const own = this.own(name);
    const env = {
      ...{ RPC: this.rpc, WS_RPC: this.ws, RPC_2: this.rpc, WS_RPC_2: this.ws, RUN_ID: runId },
      ...{ NVIDIA_DRIVER_CAPABILITIES: "all", DATA_PARALLELISM: "1", TENSOR_PARALLELISM: "1", MICRO_BATCH_SIZE: "4" },
      ...more,
    };
    const envFile = join(own, ".env");
    writeFileSync(
      envFile,
      `${Object.entries(env)
        .map(([key, value]) => `${key}=${value}`)
        .join("\n")}\n`,
    );
    return this.#spawn(
      name,
      [
        ...["train", "--env-file", envFile, "--logs", "json"],
        ...["--data-dir", join(REPOSITORY, "config/runs/test"), "--checkpoint-dir", join(own, "checkpoints")],
        ...["--bind-host", "127.0.0.1", "--device", "software", "--hash-each-round", "true", ...args],
      ],
      { RAW_WALLET_PRIVATE_KEY: readFileSync(this.wallet(wallet), "utf8") },
      own,
    );
  }

  async dump(runId: string): Promise<Dump> {
    return JSON.parse(await this.starling("json-info-dump", "--run-id", runId)) as Dump;
  }

  /** The first dump that `test` accepts. */
  async dumpWhen(runId: string, limitMs: number, test: (dump: Dump) => boolean): Promise<Dump> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      const dump = await this.dump(runId);
      if (test(dump)) return dump;
      if (performance.now() > deadlineMs)
        throw new Error(`not within ${limitMs} ms: what was awaited of run ${runId}: ${JSON.stringify(dump.run)}`);
    }
  }

  /** One call of the RPC. */
  async ask<T>(method: string, params: unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const answer = await fetch(this.rpc, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { result, error } = (await answer.json()) as { result: T; error?: unknown };
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  async balance(address: string): Promise<bigint> {
    return BigInt((await this.ask<{ value: number }>("getBalance", [address, { commitment: "confirmed" }])).value);
  }

  /** Smallest units of a mint, the validator's or another, that a wallet holds; 0 where it has no account for it. */
  async tokens(owner: string, mint = this.mint): Promise<bigint> {
    const { value } = await this.ask<{ value: { account: { data: { parsed: { info: { tokenAmount: { amount: string } } } } } }[] }>(
      "getTokenAccountsByOwner",
      [owner, { mint }, { encoding: "jsonParsed", commitment: "confirmed" }],
    );
    return value.reduce((sum, { account }) => sum + BigInt(account.data.parsed.info.tokenAmount.amount), 0n);
  }

  /** Polls until `test` gives something that is neither null, false nor empty. Fails with what every process said last. */
  async until<T>(what: string, limitMs: number, test: () => T): Promise<NonNullable<T>> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      const got = test();
      if (got && !(Array.isArray(got) && got.length === 0)) return got;
      if (performance.now() > deadlineMs)
        throw new Error(`not within ${limitMs} ms: ${what}\n${this.#nodes.map((node) => node.tail()).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends a daemon as an operator does; resolves to its exit code. */
  async end(node: Node): Promise<number | null> {
    node.signal("SIGTERM");
    return (await node.running.ended).code;
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes.toReversed()) {
      if (node.ended) continue;
      node.signal(node.name === "validator" ? "SIGTERM" : "SIGKILL");
      await node.running.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = this.folder): Node {
    const [node, ...rest] = MAIN;
    const child = spawn(node, [...rest, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    const started = new Node(name, child);
    this.#nodes.push(started);
    return started;
  }
}

/** The parts of json-info-dump that the tests look at. Amounts are text. */
export interface Dump {
  run: {
    state: string;
    step: number;
    parameterHash: string;
    parameterHashEpoch: number | null;
    checkpoint: { location: string; parameterHash: string } | null;
  };
  [part: string]: unknown;
}

/** Mean loss of the first and of the last `count` batches that these daemons trained. */
export function lossEnds(nodes: readonly Node[], count: number): [number, number] {
  const losses = nodes
    .flatMap((node) => node.told("trained"))
    .filter(({ loss }) => loss !== null)
    .sort((a, b) => a.step - b.step)
    .map(({ loss }) => loss!);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean(losses.slice(0, count)), mean(losses.slice(-count))];
}
