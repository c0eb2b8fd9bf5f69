/** `starling local-testnet start`: a coordinator and N clients, each its own process, on this machine. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { localTestnetOptions, type RunConfig } from "@starling/config";
import { localDataDirectory, loadRunConfig } from "@starling/config/presets.node";
import { portOrNone } from "@starling/config/programs/shared";
import { runPlan, type RunPlan } from "@starling/trainer-core/train/runPlan";
import { checkTier } from "../engine/matformerStart.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { chooseAdapter, type DeviceChoice } from "../platform/adapter.ts";
import { listenForStop, type StopRequest } from "../platform/parent.ts";
import { chooseLogForm } from "../platform/logs.ts";
import { earlierRunFolder, makeWritableFolder, runFolder } from "../platform/folders.ts";
import { whyNot } from "../platform/listen.ts";
import { isShown, parseLogFilter } from "../platform/logLevel.ts";
import { loadTui } from "../tui/load.ts";
import { servedRun } from "../testnet/dataServerProcess.ts";
import { TmuxSession } from "../testnet/tmuxSession.ts";
import type { LocalTestnetOptions } from "../testnet/childArgs.ts";
import { logFile, Testnet, type Say, type TestnetOptions } from "../testnet/testnet.ts";

/** The port asked for if it is free; any free one when it was only the default and is taken. Errors: port-in-use. */
async function portToUse(wanted: number): Promise<number> {
  if (wanted === 0 || (await whyNot("127.0.0.1", wanted)) === null) return wanted;
  if (wanted !== localTestnetOptions.specs.serverPort.default) {
    throw new HostError("port-in-use", `--server-port ${wanted} is in use by another program: choose another one, or 0 for any free port`);
  }
  return 0;
}

/** What a child would only learn when it starts. Errors: HostError bad-option. */
function checkPaths({
  allowedToKill,
  numClients,
  clientCheckpointDir,
  writeDistroData,
  eventsDir,
  firstClientCheckpoint,
}: LocalTestnetOptions): void {
  const nobody = allowedToKill?.find((number) => number > numClients);
  if (nobody !== undefined)
    throw new HostError("bad-option", `--allowed-to-kill ${nobody}: there are only ${numClients} clients, numbered from 1`);
  if (clientCheckpointDir !== undefined) makeWritableFolder(clientCheckpointDir, "--client-checkpoint-dir");
  if (writeDistroData !== undefined) makeWritableFolder(writeDistroData, "--write-distro-data");
  if (eventsDir !== undefined) makeWritableFolder(eventsDir, "--events-dir");
  if (firstClientCheckpoint !== undefined && !existsSync(join(firstClientCheckpoint, "config.json"))) {
    throw new HostError(
      "bad-option",
      `--first-client-checkpoint ${firstClientCheckpoint}: must be a folder with a checkpoint (config.json, model.safetensors), as the line "checkpoint: ..." of an earlier run names it`,
    );
  }
}

/** What the chain on this machine cannot do. Errors: HostError bad-option. */
function checkOnChain({ resume, data }: LocalTestnetOptions): void {
  if (resume !== undefined)
    throw new HostError("bad-option", "--resume does not go with --on-chain: the validator keeps nothing when it ends");
  if (data === "server")
    throw new HostError(
      "bad-option",
      "--data server does not go with --on-chain: the data server asks a TCP coordinator who its members are",
    );
}

/** A run whose model only a checkpoint tells, or cannot have the tiers asked for, would have clients end at once. Errors: HostError bad-option. */
function checkModel(config: RunConfig, tiers: readonly number[]): void {
  let plan: RunPlan;
  try {
    plan = runPlan(config);
  } catch (cause) {
    const why = (cause as Error).message.replace("--checkpoint", "--first-client-checkpoint");
    throw new HostError("bad-option", `this run cannot be trained here: ${why}`, { cause });
  }
  for (const tier of new Set(tiers)) checkTier(plan, tier, "--client-matformer-tiers");
}

export async function localTestnet(options: LocalTestnetOptions): Promise<number> {
  const stop = listenForStop();
  const level = parseLogFilter(options.log);
  // in a headless run stdout carries one JSON object and nothing else
  const out = options.headless ? process.stderr : process.stdout;
  const { form, complaint } = chooseLogForm(options);
  let testnet: Testnet | null = null;
  const tui =
    form === "tui"
      ? (await loadTui()).openTui({
          kind: "testnet",
          level,
          onStop: () => process.kill(process.pid, "SIGINT"),
          onPause: (wanted) => testnet?.pause(wanted),
        })
      : null;
  const show: TestnetOptions["show"] = (input) => {
    if (tui) tui.tell(input);
    else if (form === "json" && input.type === "event")
      out.write(`${JSON.stringify({ atMs: Date.now(), node: input.node, ...input.event })}\n`);
  };
  const say: Say = (text, of = "info") => {
    if (!isShown(of, level)) return;
    if (tui) tui.tell({ type: "line", level: of, text });
    else
      out.write(
        form === "json" ? `${JSON.stringify({ atMs: Date.now(), node: "testnet", type: "line", level: of, text })}\n` : `${text}\n`,
      );
  };
  if (complaint) say(complaint, "warn");
  // what is said after the display has gone stays on the normal screen
  const sayAtEnd: string[] = [];
  let code: number;
  try {
    code = await run(
      options,
      stop,
      say,
      (line) => sayAtEnd.push(line),
      (o) => (testnet = new Testnet({ ...o, show })),
    );
  } finally {
    await tui?.close();
    for (const line of sayAtEnd) {
      if (form === "json") say(line);
      else out.write(`${line}\n`);
    }
  }
  return code;
}

type MakeTestnet = (options: Omit<TestnetOptions, "show">) => Testnet;

async function run(
  options: LocalTestnetOptions,
  stop: StopRequest,
  say: Say,
  sayAtEnd: (line: string) => void,
  makeTestnet: MakeTestnet,
): Promise<number> {
  const loaded = loadRunConfig(options.configPath, process.cwd());
  const { init_min_clients } = loaded.config.config;
  if (options.numClients < init_min_clients) {
    throw new HostError(
      "bad-option",
      `--num-clients ${options.numClients}: this run's config.init_min_clients is ${init_min_clients} clients, so it would wait for ever: start at least ${init_min_clients}, or lower init_min_clients in ${loaded.configPath}`,
    );
  }
  checkPaths(options);
  if (options.onChain) checkOnChain(options);
  if (options.firstClientCheckpoint === undefined) checkModel(loaded.config, options.clientMatformerTiers);
  const adapter = await Promise.race([chooseAdapter(options.clientDevice as DeviceChoice), stop.requested]);
  if (typeof adapter === "string") {
    sayAtEnd(`ended: ${adapter}, before anything had started`);
    return EXIT_CODES.ok;
  }
  say(adapter.sentence);
  const folder = options.resume === undefined ? runFolder(loaded.runId) : earlierRunFolder(loaded.runId, options.resume);
  const served = options.data === "server" ? await servedRun(loaded, folder) : null;
  const testnet = makeTestnet({
    options,
    loaded: served?.loaded ?? loaded,
    served,
    device: adapter.choice,
    serverPort: await portToUse(options.serverPort),
    folder,
    resumed: options.resume !== undefined,
    say,
    // a page that nobody sees is not built for nothing
    web:
      webPortOf(options) === null
        ? null
        : { port: webPortOf(options)!.port, dataPath: localDataDirectory(loaded.config, loaded.dataDirectory) },
    writeLogs: options.tmux,
    deadlineMs: options.headlessExitAfterSecs === undefined ? null : options.headlessExitAfterSecs * 1000,
  });
  const tmux = options.tmux ? await openTmux(loaded.runId, folder, options.numClients, say) : null;
  const ended = await testnet.run(stop.requested).finally(() => tmux?.close());
  const result = testnet.result();
  if (options.headless) {
    if (!result)
      throw new HostError(
        "no-loss",
        `no held-out loss was measured (${ended}): give the run more time with --headless-exit-after-secs, or look at ${folder}`,
      );
    process.stdout.write(`${JSON.stringify(result)}\n`);
    const hashes = new Set(Object.values(result.parameterHashes));
    if (hashes.size === 0)
      throw new HostError("engine", `no client reported a parameter hash: see the warnings above and the logs in ${folder}`);
    if (hashes.size > 1)
      throw new HostError(
        "engine",
        `the clients ended with ${hashes.size} different parameter hashes: this is a bug, please report it with ${folder}`,
      );
    if (!result.checkpoint) throw new HostError("engine", `no checkpoint was written: see the warnings above and the logs in ${folder}`);
  }
  const checkpoint = testnet.checkpoint();
  sayAtEnd(`ended: ${ended}`);
  if (!options.onChain) sayAtEnd(`goes on with: ${resumeCommand(options, folder)}`);
  sayAtEnd(checkpoint ? `checkpoint: ${checkpoint}` : "no checkpoint yet: none of the epochs was finished");
  return testnet.failed ? EXIT_CODES.failed : EXIT_CODES.ok;
}

/** null = no page */
function webPortOf({ webPort, headless }: LocalTestnetOptions): { port: number | undefined } | null {
  if (webPort === undefined) return headless ? null : { port: undefined };
  const port = portOrNone(webPort);
  return port === null ? null : { port };
}

/** The run goes on without its windows where they cannot be had. */
async function openTmux(runId: string, folder: string, numClients: number, say: Say): Promise<TmuxSession | null> {
  const names = ["server", ...Array.from({ length: numClients }, (_, i) => `client-${i + 1}`)];
  try {
    const session = await TmuxSession.open(
      runId,
      names.map((name) => ({ name, logFile: logFile(folder, name) })),
    );
    say(`each process has a window of its own: ${session.attach} (Ctrl-b n: the next, Ctrl-b d: leave them; they close with the run)`);
    return session;
  } catch (error) {
    say((error as Error).message, "warn");
    return null;
  }
}

/** What a person types to have this run go on where it was. */
function resumeCommand({ configPath, numClients, clientCheckpointDir, data }: LocalTestnetOptions, folder: string): string {
  const checkpoints = clientCheckpointDir === undefined ? "" : ` --client-checkpoint-dir ${clientCheckpointDir}`;
  return `npm start -- --config-path ${configPath} --num-clients ${numClients}${data === "server" ? " --data server" : ""}${checkpoints} --resume ${relative(process.cwd(), folder)}`;
}
