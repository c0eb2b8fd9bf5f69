/**
 * What every adapter of `CoordinatorPort` must do, whatever carries the calls and whoever keeps the state. Each adapter's test
 * hands in how to begin a run and how to connect a client to it; the state machine, the signatures and the transport are the
 * real ones.
 */
import { afterEach, describe, expect, it } from "vitest";
import { equalBytes, toHex } from "./bytes.ts";
import { COMPLIANCE_CONFIG, ComplianceClient, EPOCH_HASH, rejectedWith, SAID, tomlOf } from "./complianceClient.ts";
import { CoordinatorError } from "./errors.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import { type CoordinatorPort, type CoordinatorState, type MachineConfig, RUN_STATES, type RunState, type Snapshot } from "./types.ts";
import type { WitnessMetadata } from "./witnessMetadata.ts";

const RUN_ID = "compliance";
const DEFAULT_TIMEOUT_MS = 120_000;

export interface ComplianceRun {
  runId: string;
  configToml: string;
  config: MachineConfig;
}

/** A run that was begun, whoever coordinates it. It moves by itself. */
export interface ComplianceHost {
  /** Connects one client as that identity; all that it needs before it can join is done. */
  connect(identity: Identity): Promise<CoordinatorPort>;
  /** As its administrator. */
  setPaused(paused: boolean): Promise<void>;
  /** The present state, read where it is kept. */
  snapshot(): Promise<Snapshot>;
  /** What witnesses said beside their reports of that step, by slot. */
  said(step: number): Promise<(WitnessMetadata | null)[]>;
  /** Rejects if anything went wrong that no client was told of. */
  stop(): Promise<void>;
}

export interface ComplianceOptions {
  begin(run: ComplianceRun): Promise<ComplianceHost>;
  /** where this kind of coordinator needs another config: whole seconds, say */
  config?: Partial<MachineConfig>;
  /** a member whose connection is lost is soon out of the epoch; a chain has no connections */
  noticesLoss: boolean;
  /** a call takes a second or so: those tests are left out that make very many */
  isSlow?: boolean;
  /** of each test */
  timeoutMs?: number;
}

export function coordinatorCompliance(adapter: string, options: ComplianceOptions): void {
  describe(`${adapter} coordinator`, { timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }, () => {
    const quick = it.skipIf(options.isSlow);
    let host: ComplianceHost;
    let configToml: string;

    /** A run that begins when `initMinClients` have joined. */
    async function begin(initMinClients = 3): Promise<void> {
      const config = { ...COMPLIANCE_CONFIG, ...options.config, initMinClients };
      configToml = tomlOf(config);
      host = await options.begin({ runId: RUN_ID, configToml, config });
    }

    afterEach(() => host.stop());

    async function state(): Promise<CoordinatorState> {
      return Machine.load((await host.snapshot()).bytes).state();
    }

    async function members(): Promise<number> {
      return (await host.snapshot()).members.length;
    }

    async function client(identity = Identity.generate({ chainLength: 1024 })): Promise<ComplianceClient> {
      return new ComplianceClient(await host.connect(identity), identity);
    }

    async function joined(count: number): Promise<ComplianceClient[]> {
      const clients = await Promise.all(Array.from({ length: count }, () => client()));
      for (const one of clients) await one.join();
      return clients;
    }

    /** All joined, ready and in the first RoundTrain. Every client is elected: witness_nodes is 0. */
    async function training(count: number): Promise<ComplianceClient[]> {
      await begin(count);
      const clients = await joined(count);
      await Promise.all(clients.map((one) => one.reach(({ runState }) => runState === "Warmup" || runState === "RoundTrain")));
      for (const one of clients) await one.port.warmupWitness();
      await Promise.all(clients.map((one) => one.reach(({ runState }) => runState === "RoundTrain")));
      return clients;
    }

    it("tells what the run is", async () => {
      await begin();
      const { port } = await client();
      expect(await port.runInfo()).toEqual({ runId: RUN_ID, configToml });
    });

    it("takes a run through an epoch and into the next", async () => {
      await begin();
      const clients = await joined(3);
      const moves = movesOf(clients[0].port);
      for (const one of clients) one.behave();
      const next = await clients[0].reach(({ epoch, runState, step, epochStartStep }) => {
        return epoch === 1 && runState === "RoundTrain" && step > epochStartStep;
      });
      // 3 rounds that train, 2 that drain
      expect(next).toMatchObject({ epochStartStep: 6, parameterHashEpoch: 0 });
      expect(toHex(next.parameterHash)).toBe(toHex(EPOCH_HASH));
      expect(next.clients.map((slot) => slot.state)).toEqual(["Healthy", "Healthy", "Healthy"]);
      expect(moves.length).toBeGreaterThan(8);
      for (let i = 1; i < moves.length; i++) expect(moves[i].order).toBeGreaterThan(moves[i - 1].order);
    });

    quick("sends snapshots with a rising nonce, the newest at once to a new subscriber", async () => {
      await begin();
      const clients = await joined(3);
      const seen: Snapshot[] = [];
      clients[0].port.subscribe((snapshot) => seen.push(snapshot));
      for (const one of clients) one.behave();
      await clients[0].reach(({ runState, epoch }) => runState === "Cooldown" || epoch === 1);

      expect(seen.length).toBeGreaterThan(3);
      for (let i = 1; i < seen.length; i++) expect(seen[i].nonce).toBeGreaterThan(seen[i - 1].nonce);
      const atOnce: Snapshot[] = [];
      clients[0].port.subscribe((snapshot) => atOnce.push(snapshot))();
      expect(atOnce).toHaveLength(1);
      expect(atOnce[0].nonce).toBe(clients[0].port.snapshot()!.nonce);
    });

    it("lists pending members with their addresses, and knows the time", async () => {
      await begin();
      const [one] = await joined(1);
      const watcher = await client();
      const beforeMs = Date.now();
      const { members: known } = await watcher.reachSnapshot((snapshot) => snapshot.members[0]?.multiaddrs.length === 1);
      expect(known).toHaveLength(1);
      const [member] = known;
      expect(equalBytes(member.peerId, one.identity.peer.publicKey)).toBe(true);
      expect(member.multiaddrs).toEqual(one.multiaddrs);
      expect(Math.abs(Number(watcher.port.snapshot()!.coordinatorNowMs) - beforeMs)).toBeLessThan(60_000);
    });

    it("passes on what a witness says of itself, with its Bloom filter", async () => {
      const [one, two] = await training(3);
      await one.port.witness(one.witnessMessage());
      await two.port.witness(two.witnessMessage());
      const slots = [one, two].map(({ identity }) => one.machine().slotOfSession(identity.session.publicKey)!);
      const said = await host.said(1);
      for (const slot of slots) expect(said[slot]).toEqual({ ...SAID, loss: 1 + slot });
    });

    it("refuses a second witness message of a round, and nothing changes", async () => {
      const [one] = await training(3);
      await one.port.witness(one.witnessMessage());
      await unchanged(() => rejectedWith("refused", one.port.witness(one.witnessMessage()), "DuplicateWitness"));
    });

    it("refuses a witness message of another step, and nothing changes", async () => {
      const [one] = await training(3);
      await unchanged(() => rejectedWith("refused", one.port.witness({ ...one.witnessMessage(), step: 9 }), "WrongStep"));
    });

    it("refuses a stranger, and nothing changes", async () => {
      const clients = await training(3);
      const stranger = await client();
      await stranger.reach(({ runState }) => runState === "RoundTrain");
      await unchanged(async () => {
        await rejectedWith("not-member", stranger.port.witness(clients[0].witnessMessage()));
        await rejectedWith("not-member", stranger.port.downloaded(1, 0));
        await rejectedWith("not-member", stranger.port.warmupWitness());
        await rejectedWith("not-member", stranger.port.healthCheck([0]));
        await rejectedWith("not-member", stranger.port.reportEquivocation(0));
        await rejectedWith("not-member", stranger.port.leave());
        await rejectedWith("not-allowed", stranger.port.setPaused(true));
      });
    });

    quick("keeps a joiner pending until the next epoch", async () => {
      const clients = await training(3);
      const late = await client();
      await late.join();
      await clients[0].reachSnapshot(({ members: known }) => known.length === 4);
      expect((await state()).clients).toHaveLength(3);
      expect((await state()).pending.map(({ session }) => session)).toEqual([late.identity.session.publicKey]);
      await rejectedWith("not-member", late.port.warmupWitness());
      for (const one of [...clients, late]) one.behave();
      const next = await late.reach(({ epoch, runState }) => epoch === 1 && runState === "RoundTrain");
      expect(next.clients).toHaveLength(4);
    });

    it("lets members leave: a slot at once, a pending one too", async () => {
      const clients = await training(4);
      await clients[1].port.leave();
      const { clients: slots } = await clients[0].reach((now) => now.clients[1].state === "Withdrawn");
      expect(slots.map((slot) => slot.state)).toEqual(["Healthy", "Withdrawn", "Healthy", "Healthy"]);
      await clients[0].reachSnapshot(({ members: known }) => known.length === 3);

      const late = await client();
      await late.join();
      await clients[0].reachSnapshot(({ members: known }) => known.length === 4);
      await late.port.leave();
      await clients[0].reachSnapshot(({ members: known }) => known.length === 3);
      expect((await state()).pending).toEqual([]);
    });

    it.runIf(options.noticesLoss)("takes a member whose connection is lost out of the epoch", async () => {
      const clients = await training(4);
      await clients[2].port.close();
      const { clients: slots } = await clients[0].reach((now) => now.clients[2].state !== "Healthy");
      expect(slots[2].state).toBe("Withdrawn");
      await clients[0].reachSnapshot(({ members: known }) => known.length === 3);
      await rejectedWith("closed", clients[2].port.warmupWitness());
    });

    quick("keeps a member that was dropped although it lives: it is in the next epoch", async () => {
      const clients = await training(4);
      const [slow, ...others] = clients;
      for (const one of others) one.behave();
      const dropped = new Set<number>();
      others[0].port.subscribe(({ bytes }) => {
        const machine = Machine.load(bytes);
        const { clients: slots, runState, step } = machine.state();
        const silent = slots.find(({ session }) => equalBytes(session, slow.identity.session.publicKey))!.index;
        if (runState !== "RoundTrain" || !machine.isUnhealthy(silent) || dropped.has(step)) return;
        dropped.add(step);
        others[0].port.healthCheck([silent]).catch(() => {});
      });
      await others[0].reach(({ clients: slots }) => slots.some((slot) => slot.state === "Dropped"));
      await others[0].reachSnapshot(({ members: known }) => known.length === 4);
      slow.behave();
      const next = await slow.reach(({ epoch, runState }) => epoch === 1 && runState === "RoundTrain");
      expect(next.clients.map((slot) => slot.state)).toEqual(["Healthy", "Healthy", "Healthy", "Healthy"]);
    });

    quick("drains before it pauses, and resumes", async () => {
      const clients = await training(3);
      const message = clients[0].witnessMessage();
      const moves = movesOf(clients[0].port);
      await host.setPaused(true);
      expect((await state()).pendingPause).toBe(true);
      for (const one of clients) one.behave();
      const paused = await clients[0].reach(({ runState }) => runState === "Paused");
      // the round under way, and two that drain
      expect({ epoch: paused.epoch, step: paused.step, rounds: paused.clients[0].roundsTrained }).toEqual({ epoch: 1, step: 4, rounds: 1 });
      expect(toHex(paused.parameterHash)).toBe(toHex(EPOCH_HASH));
      expect(moves.map(({ runState }) => runState)).not.toContain("WaitingForMembers");
      await rejectedWith("refused", clients[0].port.witness(message), "Halted");
      await host.setPaused(false);
      await clients[0].reach(({ epoch, runState }) => epoch === 1 && runState === "RoundTrain");
    });

    quick("ejects a client that a quorum reports, and its owner cannot come back", async () => {
      const clients = await training(4);
      await clients[0].port.reportEquivocation(3);
      await rejectedWith("refused", clients[0].port.reportEquivocation(3), "DuplicateVote");
      await clients[1].port.reportEquivocation(3);
      expect((await state()).clients[3].state).toBe("Healthy");
      await clients[2].port.reportEquivocation(3);
      const { clients: slots } = await clients[0].reach((now) => now.clients[3].state === "Ejected");
      expect(slots.map((slot) => slot.state)).toEqual(["Healthy", "Healthy", "Healthy", "Ejected"]);
      await clients[0].reachSnapshot(({ members: known }) => known.length === 3);
      await rejectedWith("ejected", clients[3].join());
    });

    it("refuses a health check of a healthy client", async () => {
      const [one] = await training(3);
      await unchanged(() => rejectedWith("refused", one.port.healthCheck([1]), "TooEarlyForHealthCheck"));
    });

    it("gives up when the caller aborts, and closes once and for all", async () => {
      await begin();
      const { port, identity } = await client();
      await rejectedWith("aborted", port.join(identity.membership(), [], AbortSignal.abort()));
      await port.close();
      await port.close();
      await rejectedWith("closed", port.runInfo());
      expect(() => port.subscribe(() => {})).toThrow(CoordinatorError);
    });

    it("refuses a membership with a foreign session key", async () => {
      await begin();
      const { port, identity } = await client();
      const foreign = Identity.generate({ chainLength: 8 }).membership();
      await rejectedWith("bad-grant", port.join({ ...identity.membership(), session: foreign.session }, []));
      expect(await members()).toBe(0);
    });

    /** Runs `attempt` and proves that the machine and the members are what they were. */
    async function unchanged(attempt: () => Promise<void>): Promise<void> {
      const before = await host.snapshot();
      await attempt();
      const after = await host.snapshot();
      expect(after.nonce).toBe(before.nonce);
      expect(equalBytes(after.bytes, before.bytes)).toBe(true);
    }
  });
}

interface Moment {
  runState: RunState;
  /** rises with every move of a run whose epochs all begin and end as they should */
  order: number;
}

/** What a client saw of the run's moves; it may have missed some. */
function movesOf(port: CoordinatorPort): Moment[] {
  const seen: Moment[] = [];
  port.subscribe(({ bytes }) => {
    const { runState, epoch, step } = Machine.load(bytes).state();
    const order = (1_000 * epoch + step) * RUN_STATES.length + RUN_STATES.indexOf(runState);
    if (seen.at(-1)?.order !== order) seen.push({ runState, order });
  });
  return seen;
}
