import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeypair, MemoryHub } from "@starling/network";
import { type ConnectionStatus, connectTcpCoordinator, Identity } from "@starling/sdk";
import { ComplianceClient } from "@starling/sdk/complianceClient";
import type { RunState } from "@starling/sdk/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ServerEvent } from "./events.ts";
import { CoordinatorServer } from "./server.ts";
import { fileStateStore, statePath } from "./stateFolder.node.ts";
import type { StateStore } from "./store.ts";
import { TEST_TOML } from "./testRun.ts";

const RUN_ID = "restarted";
const COOLDOWN_S = 0.6;
const TOML = TEST_TOML.replace("cooldown_time = 0.01", `cooldown_time = ${COOLDOWN_S}`);

interface Follower extends ComplianceClient {
  statuses: ConnectionStatus[];
}

describe("a server that is killed and started again", () => {
  let dir: string;
  let hub: MemoryHub;
  let events: ServerEvent[];
  let server: CoordinatorServer;
  let kill: () => Promise<void>;
  /** the disk is as slow as this */
  let held: Promise<void>;
  const serverKey = generateKeypair().publicKey;
  const undo: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "starling-restart-"));
    hub = new MemoryHub({ seed: 1 });
    events = [];
    held = Promise.resolve();
  });

  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
    await kill();
    await rm(dir, { recursive: true });
    expect(events.filter(({ type }) => type === "error")).toEqual([]);
  });

  /** `kill -9`: whatever it would still have saved or said is lost. */
  async function start(): Promise<void> {
    const network = hub.join(serverKey, { allowAll: true });
    const file = fileStateStore(dir, RUN_ID);
    let alive = true;
    const store: StateStore = { load: file.load, save: (bytes) => held.then(() => (alive ? file.save(bytes) : undefined)) };
    const started = await CoordinatorServer.start({
      runId: RUN_ID,
      runConfigToml: TOML,
      network,
      store,
      tickIntervalMs: 5,
      disconnectGraceMs: 50,
      onEvent: (event) => void (alive && events.push(event)),
    });
    server = started;
    kill = async () => {
      alive = false;
      hub.kill(serverKey);
      await started.stop();
    };
  }

  async function follower(): Promise<Follower> {
    const identity = Identity.generate({ chainLength: 64 });
    const statuses: ConnectionStatus[] = [];
    const port = await connectTcpCoordinator({
      network: hub.join(identity.peer.publicKey),
      coordinator: { peerId: serverKey, multiaddrs: [] },
      session: identity.session,
      grant: (runId) => identity.grant(runId, Date.now()),
      onStatus: (status) => statuses.push(status),
    });
    undo.push(() => port.close());
    return Object.assign(new ComplianceClient(port, identity), { statuses });
  }

  /** Two members, in that phase, with half of what it needs done. */
  async function membersIn(phase: RunState): Promise<Follower[]> {
    await start();
    const [one, other] = [await follower(), await follower()];
    await one.join();
    if (phase === "WaitingForMembers") return [one, other];
    await other.join();
    for (const each of [one, other]) await each.reach(({ runState }) => runState === "Warmup");
    await one.port.warmupWitness();
    if (phase === "Warmup") return [one, other];
    await other.port.warmupWitness();
    for (const each of [one, other]) await each.reach(({ runState }) => runState === "RoundTrain");
    await one.port.witness(one.witnessMessage());
    if (phase === "RoundTrain") return [one, other];
    if (phase === "Cooldown") {
      await other.port.leave();
      one.behave();
      await one.reach(({ runState }) => runState === "Cooldown");
      return [one, other];
    }
    await other.port.witness(other.witnessMessage());
    for (const each of [one, other]) await each.reach(({ runState }) => runState === "RoundWitness");
    await one.port.downloaded(1, 0);
    return [one, other];
  }

  it.each(["WaitingForMembers", "Warmup", "RoundTrain", "RoundWitness", "Cooldown"] as const)(
    "in %s goes on in the same epoch and round, with the same members",
    async (phase) => {
      const [one, other] = await membersIn(phase);
      // what changed within the phase is saved a moment later
      await new Promise((resolve) => setTimeout(resolve, 50));
      const before = server.core.state();
      const members = server.core.snapshot().members.length;
      await kill();
      await expect(one.port.warmupWitness()).rejects.toMatchObject({ code: "unreachable" });
      await start();
      expect(server.core.state()).toEqual(before);
      expect(server.core.snapshot().members).toHaveLength(members);
      expect(events).toContainEqual(expect.objectContaining({ type: "restored", runState: phase, members }));

      if (phase === "WaitingForMembers" || phase === "Cooldown") await other.join();
      for (const each of [one, other]) each.behave();
      const after = await one.reach(({ epoch, runState }) => epoch === 1 && runState === "RoundTrain");
      expect(after.clients.map(({ state }) => state)).toEqual(["Healthy", "Healthy"]);
      if (phase !== "Cooldown") expect(after.parameterHashEpoch).toBe(0);
      for (const { statuses } of [one, other]) expect(statuses.map(({ connected }) => connected).slice(-2)).toEqual([false, true]);
    },
  );

  it("has told nobody of a transition that was not on the disk yet", async () => {
    const [one, other] = await membersIn("RoundTrain");
    const disk = Promise.withResolvers<void>();
    held = disk.promise;
    for (const { identity } of [one, other]) server.core.leave(identity.session.publicKey);
    expect(server.core.state().runState).toBe("Cooldown");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(one.machine().state().runState).toBe("RoundTrain");
    disk.resolve();
    await one.reach(({ runState }) => runState === "Cooldown");
  });

  it("with its state lost is not followed: clients say so, and go on when the state is back", async () => {
    const [one, other] = await membersIn("RoundTrain");
    one.behave();
    other.behave();
    await one.reach(({ step }) => step >= 2);
    // `other` may have heard of no step beyond the first: the new run's epoch is behind all the same
    await kill();
    const state = (await fileStateStore(dir, RUN_ID).load())!;
    await rm(statePath(dir, RUN_ID));
    await start();
    await until(() => one.statuses.at(-1)?.error?.code === "state-lost" && other.statuses.at(-1)?.error?.code === "state-lost");
    expect(one.statuses.at(-1)!.error!.message).toMatch(/at step 1 of epoch 0, this client knows step \d+ of epoch 0/);
    expect(server.core.snapshot().members).toEqual([]);
    expect(one.machine().state().step).toBeGreaterThan(1);
    await expect(one.port.warmupWitness()).rejects.toMatchObject({ code: "state-lost" });

    await kill();
    await writeFile(statePath(dir, RUN_ID), state);
    await start();
    await one.reach(({ epoch }) => epoch === 1);
    expect(one.statuses.at(-1)).toEqual({ connected: true, error: null });
  });
});

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 10));
}
