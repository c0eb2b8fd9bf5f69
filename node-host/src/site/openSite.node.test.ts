/** The page as commands open it: at which port, against which coordinator, and what it tells of a broken configuration. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { loadRunConfig } from "@starling/config/presets.node";
import { readRuntimeConfig } from "@starling/config/page/runtimeConfig";
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { CoordinatorServer } from "@starling/server";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TestnetPage } from "../testnet/testnetPage.ts";
import { findCoordinator } from "./findCoordinator.ts";
import { clusterConfig } from "./clusterConfig.ts";
import { openSite, pageSentence } from "./openSite.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const undo: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-open-site-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function startCoordinator(listen: string[]): Promise<string[]> {
  const network = await createNodeNetwork({ seed: crypto.getRandomValues(new Uint8Array(32)), listen, allowAll: true });
  const { toml } = loadRunConfig("test", process.cwd());
  const server = await CoordinatorServer.start({ runId: "test", runConfigToml: toml, network });
  undo.push(
    () => network.stop(),
    () => server.stop(),
  );
  return network.multiaddrs();
}

async function taken(): Promise<number> {
  const other = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  undo.push(() => new Promise((resolve) => other.close(resolve)));
  return (other.address() as AddressInfo).port;
}

/** `starling web ARGS --json`, and its first line. */
async function startWeb(args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(MAIN, ["web", ...args, "--web-port", "0", "--page-build", "never", "--json"], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  undo.push(() => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout! })) {
    const event = JSON.parse(line) as { type: string; url: string };
    if (event.type === "page") return { child, url: event.url };
  }
  throw new Error("it ended without a page");
}

async function eventually<T>(read: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const value = await read();
    if (value !== null) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it("a coordinator named as daemons name it tells its run and where tabs reach it", async () => {
  const addresses = await startCoordinator(["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]);
  const tcp = /\/tcp\/(\d+)\/p2p/.exec(addresses.find((address) => !address.includes("/ws"))!)![1];
  const ws = addresses.find((address) => address.includes("/ws"))!;
  const found = await findCoordinator(`127.0.0.1:${tcp}`, AbortSignal.timeout(20_000));
  expect(found).toEqual({ address: ws, runId: "test" });
  expect(await findCoordinator(ws, AbortSignal.timeout(20_000))).toEqual(found);
});

it("one that is not there, or takes no tabs, is a sentence", async () => {
  const port = await taken();
  await expect(findCoordinator(`127.0.0.1:${port}`, AbortSignal.timeout(20_000))).rejects.toMatchObject({
    code: "coordinator-unreachable",
  });
  const [tcp] = await startCoordinator(["/ip4/127.0.0.1/tcp/0"]);
  await expect(findCoordinator(tcp, AbortSignal.timeout(20_000))).rejects.toMatchObject({
    message: expect.stringContaining("--server-ws-port"),
  });
});

it("a port that was asked for and is taken is a sentence", async () => {
  const port = await taken();
  const options = { host: "127.0.0.1", mayBuild: false, config: () => ({ clusters: [], coordinators: [] }), data: () => new Map() };
  await expect(openSite({ ...options, port, onPage: () => undefined })).rejects.toMatchObject({
    code: "port-in-use",
    message: expect.stringContaining(`--web-port ${port}`),
  });
  await expect(openSite({ ...options, host: "192.0.2.77", port: 0, onPage: () => undefined })).rejects.toMatchObject({
    code: "port-in-use",
  });
  expect(pageSentence({ type: "failed", why: "no disk", old: true })).toContain("an earlier one is served: no disk");
});

it("a testnet's page knows its coordinator and its data; without a port for it the testnet goes on", async () => {
  const said: string[] = [];
  writeFileSync(join(folder, "train.txt"), "to be or not to be");
  const page = new TestnetPage({ runId: "a run", port: 0, dataPath: folder, mayBuild: false, say: (line) => said.push(line) });
  undo.push(() => page.close());
  const address = "/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWGjSE7eCu5f1Pa8pGxscmoEcdQ5BRMGqbyMvL2dhrPCS5";
  page.showCoordinator(address);
  await page.showCluster("http://127.0.0.1:1", "ws://127.0.0.1:2");
  const url = (await page.url())!;
  const config = readRuntimeConfig(await (await fetch(new URL("config.json", url))).json());
  expect(config.coordinators).toEqual([{ label: "This machine", address, runId: "a run" }]);
  expect(config.clusters).toMatchObject([{ name: "localnet", rpcUrls: ["http://127.0.0.1:1"], isTest: true }]);
  expect(await (await fetch(new URL(config.dataUrls!["a run"][0], url))).text()).toBe("to be or not to be");

  const none = new TestnetPage({ runId: "x", port: await taken(), dataPath: null, mayBuild: false, say: (line) => said.push(line) });
  expect(await none.url()).toBeNull();
  await none.close();
  expect(said.at(-1)).toContain("there is no page to watch the run: --web-port");
});

it("a cluster that does not say which one it is counts as a local one on this machine alone", async () => {
  expect(await clusterConfig(["http://localhost:1"], ["ws://localhost:2"])).toMatchObject({ name: "localnet", isTest: true });
  // .invalid is no host anywhere (RFC 2606)
  await expect(clusterConfig(["http://rpc.invalid:1/?api-key=secret"], ["ws://rpc.invalid:2"])).rejects.toMatchObject({
    code: "chain",
    message: expect.not.stringContaining("secret"),
  });
});

it("starling web serves a file as config.json, reads it anew, and says in the answer when it is broken", async () => {
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify({ title: "one", clusters: [], coordinators: [] }));
  writeFileSync(join(folder, "train.txt"), "text");
  const { child, url } = await startWeb(["--page-config", path, "--data", `r=${folder}`]);
  const config = (): Promise<Response> => fetch(new URL("config.json", url));
  expect(await (await config()).json()).toMatchObject({ title: "one", dataUrls: { r: ["data/r/train.txt"] } });
  writeFileSync(path, JSON.stringify({ clusters: [], coordinators: [], dataUrls: { r: ["data/r/other.txt"] } }));
  expect(await (await config()).json()).toMatchObject({ dataUrls: { r: ["data/r/other.txt"] } });
  writeFileSync(path, JSON.stringify({ clusters: "none", coordinators: [] }));
  const broken = await config();
  expect(broken.status).toBe(500);
  expect(await broken.text()).toContain("clusters");
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
});

it("starling web shows a coordinator as soon as there is one", async () => {
  const addresses = await startCoordinator(["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]);
  const { url } = await startWeb(["--server-addr", addresses.find((address) => !address.includes("/ws"))!]);
  const [coordinator] = await eventually(async () => {
    const { coordinators } = readRuntimeConfig(await (await fetch(new URL("config.json", url))).json());
    return coordinators.length > 0 ? coordinators : null;
  });
  expect(coordinator).toEqual({ label: "test", address: addresses.find((address) => address.includes("/ws")), runId: "test" });
});
