import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, parseRunConfig, serializeRunConfig } from "@starling/config";
import { generateKeypair, MemoryHub } from "@starling/network";
import { connectTcpCoordinator, type CoordinatorPort, Identity, readHistory } from "@starling/sdk";
import { ComplianceClient } from "@starling/sdk/complianceClient";
import { Machine } from "@starling/sdk/machine";
import { readShown } from "@starling/sdk/shown";
import type { TcpCoordinator } from "@starling/sdk/tcpCoordinator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServerError } from "./errors.ts";
import type { ServerEvent } from "./events.ts";
import { fileHistoryStore, fileStateStore, statePath } from "./stateFolder.node.ts";
import { decodeSavedState, encodeSavedState, MAX_STATE_BYTES } from "./savedState.ts";
import { CoordinatorServer, type CoordinatorServerOptions } from "./server.ts";
import { TEST_TOML } from "./testRun.ts";

const RUN_ID = "server/../test";

interface Member extends ComplianceClient {
  port: TcpCoordinator;
}

describe("CoordinatorServer", () => {
  let dir: string;
  let hub: MemoryHub;
  let events: ServerEvent[];
  const undo: (() => Promise<void>)[] = [];
  const serverKey = generateKeypair().publicKey;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "starling-server-"));
    hub = new MemoryHub({ seed: 1 });
    events = [];
  });

  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
    await rm(dir, { recursive: true });
  });

  async function start(options: Partial<CoordinatorServerOptions> = {}): Promise<CoordinatorServer> {
    const network = hub.join(serverKey, { allowAll: true });
    const stopNetwork = (): Promise<void> => network.stop();
    undo.push(stopNetwork);
    const server = await CoordinatorServer.start({
      runId: RUN_ID,
      runConfigToml: TEST_TOML,
      network,
      store: fileStateStore(dir, RUN_ID),
      tickIntervalMs: 5,
      disconnectGraceMs: 50,
      onEvent: (event) => events.push(event),
      ...options,
    });
    undo.push(() => server.stop());
    return server;
  }

  async function client(): Promise<CoordinatorPort> {
    return (await member()).port;
  }

  async function member(): Promise<Member> {
    const identity = Identity.generate({ chainLength: 64 });
    const port = await connectTcpCoordinator({
      network: hub.join(identity.peer.publicKey),
      coordinator: { peerId: serverKey, multiaddrs: [] },
      session: identity.session,
      grant: (runId) => identity.grant(runId, Date.now()),
    });
    undo.push(() => port.close());
    await port.join(identity.membership(), []);
    return new ComplianceClient(port, identity) as Member;
  }

  it("hands out its config, tells what happens, and saves its state", async () => {
    const server = await start();
    const ports = [await client(), await client()];
    expect(await ports[0].runInfo()).toEqual({ runId: RUN_ID, configToml: TEST_TOML });
    await reach(ports[0], "Warmup");
    for (const port of ports) await port.warmupWitness();
    await reach(ports[0], "RoundTrain");
    await ports[1].close();
    await reach(ports[0], (machine) => machine.state().clients[1].state === "Withdrawn");
    await server.stop();

    expect(events.filter(({ type }) => type === "phase")).toEqual([
      { type: "phase", from: "Uninitialized", to: "WaitingForMembers", epoch: 0, step: 1 },
      { type: "phase", from: "WaitingForMembers", to: "Warmup", epoch: 0, step: 1 },
      { type: "phase", from: "Warmup", to: "RoundTrain", epoch: 0, step: 1 },
    ]);
    const count = (type: ServerEvent["type"]): number => events.filter((event) => event.type === type).length;
    expect(count("member-joined")).toBe(2);
    expect(count("member-left")).toBe(1);
    expect(events).toContainEqual(expect.objectContaining({ type: "client-out", clientIndex: 1, state: "Withdrawn" }));
    expect(count("error")).toBe(0);
    expect(count("saved")).toBeGreaterThan(0);
    expect(await readdir(dir)).toEqual(["server%2F%2E%2E%2Ftest.state"]);
    const saved = decodeSavedState((await fileStateStore(dir, RUN_ID).load())!).machine.state();
    expect(saved.runState).toBe("RoundTrain");
  });

  it("remembers its rounds, over a restart too, and tells anyone", async () => {
    const history = fileHistoryStore(dir, RUN_ID);
    const first = await start({ history });
    const clients = [await member(), await member()];
    for (const one of clients) one.behave();
    const [{ port }] = clients;
    await clients[0].reach(({ epoch, runState }) => epoch === 1 && runState === "Warmup");
    // four rounds that train, two that drain
    const told = await port.history(0);
    expect(told.map(({ step, epoch, batchSize, witnesses }) => [step, epoch, batchSize, witnesses])).toEqual([
      [1, 0, 4, 2],
      [2, 0, 4, 2],
      [3, 0, 4, 2],
      [4, 0, 4, 2],
      [5, 0, 0, 2],
      [6, 0, 0, 2],
    ]);
    expect(told.map(({ loss, tokensPerSecond }) => [loss, tokensPerSecond])).toEqual(Array.from({ length: 6 }, () => [1.5, 2_000]));
    expect(Math.abs(told[5].atMs - Date.now())).toBeLessThan(60_000);
    const looker = hub.join(generateKeypair().publicKey);
    looker.pin({ peerId: serverKey, multiaddrs: [] });
    const shown = await readShown(looker, serverKey);
    expect(shown).toMatchObject({ step: expect.any(Number), sampleText: "once upon a time", evals: [["arc", 0.25]] });
    await first.stop();
    hub.kill(serverKey);
    for (const one of clients) await one.port.close();

    await start({ history });
    const watcher = hub.join(generateKeypair().publicKey);
    watcher.pin({ peerId: serverKey, multiaddrs: [] });
    expect(await readHistory(watcher, serverKey, 2, 2)).toEqual(told.slice(1, 3));
    expect(await readShown(watcher, serverKey)).toBeNull(); // what is shown is not kept
    const asked = Array.from({ length: 40 }, () => readHistory(watcher, serverKey, 0).catch((error: unknown) => error));
    expect(await Promise.all(asked)).toContainEqual(expect.objectContaining({ message: expect.stringContaining("times a second") }));
  });

  it("goes on where it was, under the same config only", async () => {
    const first = await start();
    const port = await client();
    await client();
    await reach(port, "Warmup");
    await first.stop();
    hub.kill(serverKey);
    await port.close();
    events = [];

    const second = await start();
    expect(second.core.state().runState).toBe("Warmup");
    expect(second.core.state().clients).toHaveLength(2);
    await second.stop();
    hub.kill(serverKey);

    const other = TEST_TOML.replace("max_round_train_time = 20", "max_round_train_time = 21");
    await expect(start({ runConfigToml: other })).rejects.toThrow(/maxRoundTrainMs differ/);
    hub.kill(serverKey);
    const otherModel = TEST_TOML.replace("hidden_size = 32", "hidden_size = 64");
    await expect(start({ runConfigToml: otherModel })).rejects.toThrow(/keys of \[model\] differ/);
    hub.kill(serverKey);
    // what only people read may change
    const same = await start({ runConfigToml: `# a comment\n${TEST_TOML}` });
    expect(same.core.state().runState).toBe("Warmup");
  });

  it("takes a changed config for a paused run", async () => {
    const first = await start();
    expect(await first.pause(1_000)).toBe(true);
    await first.stop();
    hub.kill(serverKey);
    const changed = parseRunConfig(TEST_TOML, { source: "the test" });
    changed.config.max_round_train_time = 21;
    const second = await start({ runConfigToml: serializeRunConfig(changed) });
    expect(second.core.state().config.maxRoundTrainMs).toBe(21_000n);
    second.resume();
    expect(second.core.state().runState).toBe("WaitingForMembers");
  });

  it("refuses a bad config, a foreign state and a damaged one, each with its own error", async () => {
    await expect(start({ runConfigToml: TEST_TOML.replace("min_clients = 2", "min_clients = 0") })).rejects.toThrow(ConfigError);
    hub.kill(serverKey);
    const long = `${TEST_TOML}#${"x".repeat(2 ** 18)}`;
    await expect(start({ runConfigToml: long })).rejects.toMatchObject({ code: "config-too-large" });
    hub.kill(serverKey);
    await fileStateStore(dir, RUN_ID).save(await savedBytesOf("another"));
    await expect(start()).rejects.toMatchObject({ code: "state-mismatch" });
    hub.kill(serverKey);
    await writeFile(statePath(dir, RUN_ID), "nonsense");
    await expect(start()).rejects.toMatchObject({ code: "state-unreadable" });
    hub.kill(serverKey);
    await writeFile(statePath(dir, RUN_ID), new Uint8Array(MAX_STATE_BYTES + 1));
    await expect(start()).rejects.toBeInstanceOf(ServerError);
  });

  it("reports a state that cannot be saved, and goes on", async () => {
    const file = join(dir, "not-a-folder");
    await writeFile(file, "");
    const server = await start({ store: { load: async () => null, save: fileStateStore(file, RUN_ID).save } });
    await server.stop();
    expect(events).toContainEqual({ type: "error", error: expect.objectContaining({ code: "storage" }) });
  });

  async function savedBytesOf(runId: string): Promise<Uint8Array> {
    const other = await start({ runId, store: undefined });
    const saved = encodeSavedState(other.core.saved(), new Uint8Array(32));
    await other.stop();
    hub.kill(serverKey);
    return saved;
  }
});

function reach(port: CoordinatorPort, wanted: string | ((machine: Machine) => boolean)): Promise<void> {
  return new Promise((resolve) => {
    const undo = port.subscribe(({ bytes }) => {
      const machine = Machine.load(bytes);
      if (typeof wanted === "string" ? machine.state().runState !== wanted : !wanted(machine)) return;
      queueMicrotask(() => undo());
      resolve();
    });
  });
}
