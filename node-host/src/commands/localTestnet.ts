/** `starling local-testnet start`: a coordinator and N clients, each its own process, on this machine. */
import { createServer } from "node:net";
import { localTestnetOptions, type OptionsOf } from "@starling/config";
import { loadRunConfig } from "@starling/config/presets.node";
import { EXIT_CODES, HostError } from "../errors.ts";
import { chooseAdapter, type DeviceChoice } from "../platform/adapter.ts";
import { listenForStop } from "../platform/parent.ts";
import { runFolder } from "../platform/folders.ts";
import { Testnet } from "../testnet/testnet.ts";

export type LocalTestnetOptions = OptionsOf<typeof localTestnetOptions>;

/** The port asked for if it is free; any free one when it was only the default and is taken. Errors: port-in-use. */
async function portToUse(wanted: number): Promise<number> {
  if (wanted === 0 || (await isFree(wanted))) return wanted;
  if (wanted !== localTestnetOptions.specs.serverPort.default) {
    throw new HostError("port-in-use", `--server-port ${wanted} is in use by another program: choose another one, or 0 for any free port`);
  }
  return 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1" }, () => probe.close(() => resolve(true)));
  });
}

export async function localTestnet(options: LocalTestnetOptions): Promise<number> {
  const stop = listenForStop();
  // in a headless run stdout carries one JSON object and nothing else
  const say = (line: string) => (options.headless ? process.stderr : process.stdout).write(`${line}\n`);
  const loaded = loadRunConfig(options.configPath, process.cwd());
  const { init_min_clients } = loaded.config.config;
  if (options.numClients < init_min_clients) {
    throw new HostError(
      "bad-option",
      `--num-clients ${options.numClients}: this run's config.init_min_clients is ${init_min_clients} clients, so it would wait for ever: start at least ${init_min_clients}, or lower init_min_clients in ${loaded.configPath}`,
    );
  }
  const adapter = await chooseAdapter(options.clientDevice as DeviceChoice);
  say(adapter.sentence);
  const folder = runFolder(loaded.runId);
  const testnet = new Testnet({
    options,
    loaded,
    device: adapter.choice,
    serverPort: await portToUse(options.serverPort),
    folder,
    say,
    deadlineMs: options.headlessExitAfterSecs === undefined ? null : options.headlessExitAfterSecs * 1000,
  });
  const ended = await testnet.run(stop.requested);
  const result = testnet.result();
  if (options.headless) {
    if (!result) throw new HostError("no-loss", `no held-out loss was measured (${ended}): give the run more time with --headless-exit-after-secs, or look at ${folder}`);
    process.stdout.write(`${JSON.stringify(result)}\n`);
    const hashes = new Set(Object.values(result.parameterHashes));
    if (hashes.size !== 1) throw new HostError("engine", `the clients ended with ${hashes.size} different parameter hashes: this is a bug, please report it with ${folder}`);
    if (!result.checkpoint) throw new HostError("engine", `no checkpoint was written: see the warnings above and the logs in ${folder}`);
  }
  const checkpoint = testnet.checkpoint();
  say(`ended: ${ended}`);
  say(checkpoint ? `checkpoint: ${checkpoint}` : "no checkpoint yet: none of the epochs was finished");
  return testnet.failed ? EXIT_CODES.failed : EXIT_CODES.ok;
}
