/** The Worker's inside against a real coordinator over libp2p, and against an RPC node that fails and comes back. */
import { createNodeNetwork } from "@starling/network/libp2p.node";
import { CoordinatorCore, Identity, serveCoordinator } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";
import { COMPLIANCE_CONFIG, tomlOf } from "@starling/sdk/complianceClient";
import { toHex } from "@starling/sdk/bytes";
import { FakeNode } from "@starling/sdk/solana/fakeNode.node";
import { afterEach, expect, test, vi } from "vitest";
import type { FromWatcher, RunKey } from "./protocol.ts";
import { Watcher } from "./watcher.ts";

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

function watch(config: { clusters?: { rpcUrl: string; wsUrl: string }; coordinator?: { address: string; runId: string } }): {
  watcher: Watcher;
  told: FromWatcher[];
} {
  const told: FromWatcher[] = [];
  const watcher = new Watcher((message) => told.push(message));
  undo.push(() => watcher.close());
  const { clusters, coordinator } = config;
  watcher.take({
    type: "start",
    clusters: clusters === undefined ? [] : [{ name: "localnet", rpcUrls: [clusters.rpcUrl], wsUrls: [clusters.wsUrl], isTest: true }],
    coordinators: coordinator === undefined ? [] : [{ label: "here", ...coordinator }],
  });
  return { watcher, told };
}

type Message<T extends FromWatcher["type"]> = Extract<FromWatcher, { type: T }>;
const newest = <T extends FromWatcher["type"]>(told: readonly FromWatcher[], type: T): Message<T> | undefined =>
  told.findLast((message): message is Message<T> => message.type === type);

test("a spectator of a TCP coordinator sees who is there and what the run does, and never becomes a member", async () => {
  const machine = Machine.create("seen", { ...COMPLIANCE_CONFIG, initMinClients: 1, minClients: 1 }, BigInt(Date.now()));
  const core = new CoordinatorCore({ machine, configToml: tomlOf({ ...COMPLIANCE_CONFIG, initMinClients: 1, minClients: 1 }) });
  const network = await createNodeNetwork({ seed: new Uint8Array(32).fill(3), listen: ["/ip4/127.0.0.1/tcp/0/ws"], allowAll: true });
  undo.push(() => network.stop());
  core.start();
  undo.push(() => core.stop());
  undo.push(serveCoordinator({ core, network }));
  const key: RunKey = { source: "tcp-0", runId: "seen" };
  const { watcher, told } = watch({ coordinator: { address: network.multiaddrs()[0]!, runId: "seen" } });

  watcher.take({ type: "follow", key });
  watcher.take({ type: "list" });
  await vi.waitFor(() => expect(newest(told, "run")?.connection).toEqual({ kind: "live", text: null }), 20_000);
  await vi.waitFor(() => expect(newest(told, "run")?.view).toMatchObject({ runState: "WaitingForMembers", clients: [] }), 5_000);
  const config = told.flatMap((message) => (message.type === "run" && message.view?.config ? [message.view.config] : []))[0];
  expect(config).toMatchObject({ problem: null, model: expect.stringContaining("Llama") });
  await vi.waitFor(() => expect(newest(told, "runs")?.runs).toMatchObject([{ key, live: 0, initMinClients: 1 }]), 5_000);

  const identity = Identity.generate({ chainLength: 8 });
  core.attach(identity.session.publicKey);
  core.join(identity.membership(), []);
  await vi.waitFor(() => expect(newest(told, "run")?.view?.runState).toBe("Warmup"), 5_000);
  const changedMs = Date.now();
  core.warmupWitness(identity.session.publicKey);
  await vi.waitFor(() => expect(newest(told, "run")?.view?.runState).toBe("RoundTrain"), { timeout: 5_000, interval: 10 });
  expect(newest(told, "run")!.view).toMatchObject({
    ...{ roundOfEpoch: 1, round: { trainers: 1, witnessesElected: 1 } },
    clients: [{ peerId: toHex(identity.peer.publicKey), health: "healthy", roles: ["trainer", "witness"] }],
  });
  expect(newest(told, "run")!.view!.phases.map(({ runState }) => runState)).toEqual(["WaitingForMembers", "Warmup", "RoundTrain"]);
  expect(newest(told, "run")!.view!.phases.at(-1)!.atMs).toBeGreaterThanOrEqual(changedMs);
  expect(core.snapshot().members).toHaveLength(1);

  // slept: everything is connected anew, and what was known stays
  const before = told.length;
  watcher.wake();
  core.setPaused(true);
  await vi.waitFor(() => expect(newest(told.slice(before), "run")?.view?.pendingPause).toBe(true), 20_000);
  expect(told.slice(before).every((message) => message.type !== "run" || message.view !== null)).toBe(true);

  watcher.take({ type: "unfollow", key });
  watcher.take({ type: "unlist" });
  const after = told.length;
  core.join(Identity.generate({ chainLength: 8 }).membership(), []);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(told.length).toBe(after);
});

test("a run that is not there is looked for; an RPC node that fails is said, and what goes on goes on by itself", async () => {
  const node = await FakeNode.start();
  undo.push(() => node.stop());
  node.answers.getProgramAccounts = () => [];
  node.answers.getSignaturesForAddress = () => [];
  const { watcher, told } = watch({ clusters: { rpcUrl: node.url, wsUrl: node.wsUrl } });
  watcher.take({ type: "follow", key: { source: "localnet", runId: "nobody" } });
  watcher.take({ type: "list" });
  await vi.waitFor(() => expect(newest(told, "run")?.connection).toMatchObject({ kind: "missing" }), 10_000);
  await vi.waitFor(() => expect(newest(told, "runs")).toMatchObject({ runs: [], connection: { kind: "live" } }), 10_000);

  node.manner = "error-500";
  node.dropWebsockets();
  const failedMs = Date.now();
  await vi.waitFor(() => expect(newest(told, "run")?.connection.text).toMatch(/500|answers/), 20_000);
  await vi.waitFor(() => expect(newest(told, "runs")?.connection.text).toMatch(/HTTP 500/), 20_000);
  const { connection } = newest(told, "run")!;
  if (connection.kind === "stale") expect(connection.sinceMs).toBeLessThanOrEqual(failedMs + 1_000);

  node.manner = "well";
  await vi.waitFor(() => expect(newest(told, "run")?.connection.kind).toBe("missing"), 30_000);
  await vi.waitFor(() => expect(newest(told, "runs")?.connection).toEqual({ kind: "live", text: null }), 30_000);
});

test("an address that names no source of the configuration is refused in a sentence", async () => {
  const { watcher, told } = watch({});
  for (const source of ["mars", "tcp-7"]) watcher.take({ type: "follow", key: { source, runId: "a" } });
  await vi.waitFor(() => {
    const refused = told.filter((message) => message.type === "run" && message.connection.kind === "refused");
    expect(refused).toHaveLength(2);
  });
});
