/** `starling web`: serves the page against a given cluster, coordinator, or both. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OptionsOf, webOptions } from "@starling/config";
import { readRuntimeConfig, type ClusterConfig, type RuntimeConfig } from "@starling/config/page/runtimeConfig";
import { LOCAL_PROGRAMS } from "@starling/sdk/solana/pdas";
import { localFiles } from "@starling/trainer-core/data/localFiles.node";
import { clusterUrls } from "../chain/clusterUrls.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { listenForStop } from "../platform/parent.ts";
import { clusterConfig } from "../site/clusterConfig.ts";
import { findCoordinator } from "../site/findCoordinator.ts";
import { openSite, pageSentence } from "../site/openSite.ts";
import { dataUrlsOf } from "../site/site.ts";

type WebOptions = OptionsOf<typeof webOptions>;

const ASK_AGAIN_MS = 5_000;

export async function web(options: WebOptions): Promise<number> {
  const stop = listenForStop();
  const tell = (event: { type: "page"; url: string } | { type: "line"; text: string }): void => {
    const sentence = event.type === "page" ? `the page: ${event.url}` : event.text;
    process.stdout.write(`${options.json ? JSON.stringify(event) : sentence}\n`);
  };
  const say = (text: string): void => tell({ type: "line", text });
  const data = await dataFiles(options.data ?? []);
  const known: RuntimeConfig = { clusters: [], coordinators: [], ...iceServersOf(options) };
  if (data.size > 0) known.dataUrls = Object.fromEntries([...data].map(([runId, files]) => [runId, dataUrlsOf(runId, files)]));
  if (options.pageConfig === undefined && options.rpc === undefined && options.serverAddr === undefined)
    throw new HostError("bad-option", "nothing to show: give --rpc, --server-addr or --page-config");
  const { pageConfig } = options;
  const site = await openSite({
    host: options.webHost,
    port: options.webPort,
    mayBuild: options.pageBuild === "auto",
    config: pageConfig === undefined ? () => known : () => configFile(pageConfig, known),
    data: () => data,
    onPage: (state) => {
      const sentence = pageSentence(state);
      if (sentence !== null && !stop.signal.aborted) say(sentence);
    },
  });
  try {
    const asking = [showCluster(options, known, say, stop.signal), showCoordinator(options, known, say, stop.signal)];
    tell({ type: "page", url: site.url });
    await Promise.all([...asking, stop.requested]);
  } finally {
    await site.close();
  }
  return EXIT_CODES.ok;
}

/** Until a node says which cluster it is of, none is shown. */
async function showCluster(options: WebOptions, known: RuntimeConfig, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  if (options.rpc === undefined) return;
  const { rpcUrls, wsUrls } = clusterUrls({ ...options, rpc: options.rpc });
  const { explorerUrl } = options;
  const more = { ...(explorerUrl !== undefined && { explorerUrl }), ...programsOf(options) };
  await askAgain(say, signal, async () => {
    known.clusters = [await clusterConfig(rpcUrls, wsUrls, more)];
  });
}

/** One that does not run yet is found when it does. */
async function showCoordinator(options: WebOptions, known: RuntimeConfig, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  const { serverAddr } = options;
  if (serverAddr === undefined) return;
  await askAgain(say, signal, async () => {
    const { address, runId } = await findCoordinator(serverAddr, signal);
    known.coordinators = [{ label: serverAddr.startsWith("/") ? runId : serverAddr, address, runId }];
    say(`shows run ${runId} of the coordinator at ${serverAddr}`);
  });
}

/** Until `work` succeeds; the first failure is said. */
async function askAgain(say: (text: string) => void, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return;
      if (attempt === 0) say(`${(error as Error).message}; it is asked again every ${ASK_AGAIN_MS / 1000} s`);
    }
    await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Left out where they are those that the page knows. */
function programsOf({ coordinatorProgramId, authorizerProgramId, treasurerProgramId }: WebOptions): Pick<ClusterConfig, "programs"> {
  if (coordinatorProgramId === undefined && authorizerProgramId === undefined && treasurerProgramId === undefined) return {};
  return {
    programs: {
      coordinator: coordinatorProgramId ?? LOCAL_PROGRAMS.coordinator,
      authorizer: authorizerProgramId ?? LOCAL_PROGRAMS.authorizer,
      treasurer: treasurerProgramId ?? LOCAL_PROGRAMS.treasurer,
    },
  };
}

function iceServersOf({ iceServers, iceUsername, iceCredential }: WebOptions): Pick<RuntimeConfig, "iceServers"> {
  if (iceServers === undefined) return {};
  const keys = {
    ...(iceUsername !== undefined && { username: iceUsername }),
    ...(iceCredential !== undefined && { credential: iceCredential }),
  };
  return { iceServers: iceServers.map((url) => ({ urls: url, ...(url.startsWith("turn") && keys) })) };
}

/** Errors: HostError bad-option, data. */
async function dataFiles(entries: readonly string[]): Promise<Map<string, string[]>> {
  const found = await Promise.all(
    entries.map(async (entry): Promise<[string, string[]]> => {
      const at = entry.indexOf("=");
      const folder = resolve(entry.slice(at + 1));
      try {
        return [entry.slice(0, at), await localFiles(folder).list()];
      } catch (cause) {
        throw new HostError("bad-option", `--data ${entry}: ${(cause as Error).message}`, { cause });
      }
    }),
  );
  return new Map(found);
}

/** The file, and the data served here where it names none. Errors: what reading and checking it throw; the page says that it has no configuration. */
async function configFile(path: string, known: RuntimeConfig): Promise<RuntimeConfig> {
  const config = readRuntimeConfig(JSON.parse(await readFile(path, "utf8")));
  return { ...config, dataUrls: config.dataUrls ?? known.dataUrls };
}
