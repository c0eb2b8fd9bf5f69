/**
 * What every adapter of `CoordinatorPort` must do, whatever carries the calls. Each adapter's test hands in how to
 * connect a client to a core; the state machine, the signatures and the transport are the real ones.
 */
import { afterEach, describe, expect, it } from "vitest";
import { equalBytes, toHex } from "./bytes.ts";
import { CoordinatorCore } from "./core.ts";
import type { Transition } from "./coreOptions.ts";
import { CoordinatorError, type CoordinatorErrorCode } from "./errors.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import type { CoordinatorPort, CoordinatorState, MachineConfig, Snapshot, WitnessMessage } from "./types.ts";

/** Phases are long, so that in these tests only quorums end them; the waits between epochs are short. */
export const COMPLIANCE_CONFIG: MachineConfig = {
  warmupMs: 20_000n,
  cooldownMs: 5n,
  maxRoundTrainMs: 20_000n,
  roundWitnessMs: 20_000n,
  epochMs: 600_000n,
  waitingForMembersExtraMs: 1n,
  globalBatchSizeWarmupTokens: 0n,
  roundsPerEpoch: 3,
  totalSteps: 1000,
  initMinClients: 3,
  minClients: 2,
  witnessNodes: 0,
  globalBatchSizeStart: 8,
  globalBatchSizeEnd: 8,
  maxSeqLen: 16,
  coldStartWarmupSteps: 0,
  verificationPercent: 0,
  resultShareBps: 9000,
  stragglerGraceBps: 2500,
  earningRateTotalShared: 0n,
  slashingRatePerClient: 0n,
};

const RUN_ID = "compliance";
const CONFIG_TOML = 'run_id = "compliance"\n';
const GRACE_MS = 60;
const EPOCH_HASH = new Uint8Array(32).fill(0xab);

export interface ServedCore {
  /** Connects one client as that identity. */
  connect(identity: Identity): Promise<CoordinatorPort>;
  stop(): Promise<void>;
}

/** Makes a core reachable; the owner of `admin` may pause and resume. */
export type ServeCore = (core: CoordinatorCore, admin: Identity) => Promise<ServedCore>;

export function coordinatorCompliance(adapter: string, serve: ServeCore): void {
  describe(`${adapter} coordinator`, () => {
    let core: CoordinatorCore;
    let served: ServedCore;
    let transitions: Transition[];
    let errors: unknown[];
    const admin = Identity.generate({ chainLength: 1024 });

    /** A run that begins when `initMinClients` have joined. */
    async function begin(initMinClients = 3): Promise<void> {
      transitions = [];
      errors = [];
      core = new CoordinatorCore({
        machine: Machine.create(RUN_ID, { ...COMPLIANCE_CONFIG, initMinClients }, BigInt(Date.now())),
        configToml: CONFIG_TOML,
        tickIntervalMs: 10,
        disconnectGraceMs: GRACE_MS,
        onTransition: (transition) => transitions.push(transition),
        onError: (error) => errors.push(error),
      });
      core.start();
      served = await serve(core, admin);
    }

    afterEach(async () => {
      await served.stop();
      core.stop();
      expect(errors).toEqual([]);
    });

    async function client(identity = Identity.generate({ chainLength: 1024 })): Promise<ComplianceClient> {
      return new ComplianceClient(await served.connect(identity), identity);
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
      await Promise.all(clients.map((one) => one.reach((state) => state.runState === "Warmup" || state.runState === "RoundTrain")));
      for (const one of clients) await one.port.warmupWitness();
      await Promise.all(clients.map((one) => one.reach((state) => state.runState === "RoundTrain")));
      return clients;
    }

    it("tells what the run is", async () => {
      await begin();
      const { port } = await client();
      expect(await port.runInfo()).toEqual({ runId: RUN_ID, configToml: CONFIG_TOML });
    });

    it("takes a run through an epoch and into the next", async () => {
      await begin();
      const clients = await joined(3);
      for (const one of clients) one.behave();
      const after = await clients[0].reach(
        (state) => state.epoch === 1 && state.runState === "RoundTrain" && state.step > state.epochStartStep,
      );

      const moves = transitions.map(({ from, to }) => `${from} ${to}`);
      expect(moves.slice(0, 4)).toEqual([
        "Uninitialized WaitingForMembers",
        "WaitingForMembers Warmup",
        "Warmup RoundTrain",
        "RoundTrain RoundWitness",
      ]);
      // 3 rounds that train, 2 that drain
      const cooldown = moves.indexOf("RoundWitness Cooldown");
      expect(moves.slice(0, cooldown).filter((move) => move === "RoundWitness RoundTrain")).toHaveLength(4);
      expect(moves.slice(cooldown, cooldown + 4)).toEqual([
        "RoundWitness Cooldown",
        "Cooldown WaitingForMembers",
        "WaitingForMembers Warmup",
        "Warmup RoundTrain",
      ]);
      expect(transitions[cooldown + 1].outcome).toBe("epoch-succeeded");
      expect(transitions[cooldown].state.clients.map((slot) => slot.roundsTrained)).toEqual([3, 3, 3]);
      expect(toHex(after.parameterHash)).toBe(toHex(EPOCH_HASH));
      expect(after.parameterHashEpoch).toBe(0);
      expect(after.clients.map((slot) => slot.state)).toEqual(["Healthy", "Healthy", "Healthy"]);
    });

    it("sends snapshots with a rising nonce, the newest at once to a new subscriber", async () => {
      await begin();
      const clients = await joined(3);
      const seen: Snapshot[] = [];
      clients[0].port.subscribe((snapshot) => seen.push(snapshot));
      for (const one of clients) one.behave();
      await clients[0].reach((state) => state.runState === "Cooldown" || state.epoch === 1);

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
      await watcher.reachSnapshot((snapshot) => snapshot.members.length === 1);
      const [member] = watcher.port.snapshot()!.members;
      expect(equalBytes(member.peerId, one.identity.peer.publicKey)).toBe(true);
      expect(member.multiaddrs).toEqual(one.multiaddrs);
      expect(Math.abs(Number(watcher.port.snapshot()!.coordinatorNowMs) - beforeMs)).toBeLessThan(60_000);
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
      await stranger.reach((state) => state.runState === "RoundTrain");
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

    it("keeps a joiner pending until the next epoch", async () => {
      const clients = await training(3);
      const late = await client();
      await late.join();
      expect(core.snapshot().members).toHaveLength(4);
      expect(core.state().clients).toHaveLength(3);
      await rejectedWith("not-member", late.port.warmupWitness());
      for (const one of [...clients, late]) one.behave();
      const next = await late.reach((state) => state.epoch === 1 && state.runState === "RoundTrain");
      expect(next.clients).toHaveLength(4);
    });

    it("lets members leave: a slot at once, a pending one too", async () => {
      const clients = await training(4);
      await clients[1].port.leave();
      const state = await clients[0].reach(({ clients: slots }) => slots[1].state === "Withdrawn");
      expect(state.clients.map((slot) => slot.state)).toEqual(["Healthy", "Withdrawn", "Healthy", "Healthy"]);
      await clients[0].reachSnapshot(({ members }) => members.length === 3);

      const late = await client();
      await late.join();
      expect(core.snapshot().members).toHaveLength(4);
      await late.port.leave();
      expect(core.snapshot().members).toHaveLength(3);
    });

    it("takes a member whose connection is lost out of the epoch", async () => {
      const clients = await training(4);
      await clients[2].port.close();
      const state = await clients[0].reach(({ clients: slots }) => slots[2].state !== "Healthy");
      expect(state.clients[2].state).toBe("Withdrawn");
      await clients[0].reachSnapshot(({ members }) => members.length === 3);
      await rejectedWith("closed", clients[2].port.warmupWitness());
    });

    it("keeps a member that was dropped although it lives: it is in the next epoch", async () => {
      const clients = await training(4);
      const [slow, ...others] = clients;
      for (const one of others) one.behave();
      const dropped = new Set<number>();
      others[0].port.subscribe(({ bytes }) => {
        const machine = Machine.load(bytes);
        const state = machine.state();
        const silent = state.clients.find(({ session }) => equalBytes(session, slow.identity.session.publicKey))!.index;
        if (state.runState !== "RoundTrain" || !machine.isUnhealthy(silent) || dropped.has(state.step)) return;
        dropped.add(state.step);
        others[0].port.healthCheck([silent]).catch(() => {});
      });
      await others[0].reach(({ clients: slots }) => slots.some(({ state }) => state === "Dropped"));
      await others[0].reachSnapshot(({ members }) => members.length === 4);
      slow.behave();
      const next = await slow.reach(({ epoch, runState }) => epoch === 1 && runState === "RoundTrain");
      expect(next.clients.map(({ state }) => state)).toEqual(["Healthy", "Healthy", "Healthy", "Healthy"]);
    });

    it("drains before it pauses, and resumes", async () => {
      const clients = await training(3);
      const owner = await client(admin);
      const message = clients[0].witnessMessage();
      await owner.port.setPaused(true);
      expect(core.state().pendingPause).toBe(true);
      for (const one of clients) one.behave();
      await clients[0].reach((state) => state.runState === "Paused");
      expect(transitions.map(({ to }) => to)).toContain("Cooldown");
      await rejectedWith("refused", clients[0].port.witness(message), "Halted");
      await owner.port.setPaused(false);
      await clients[0].reach((state) => state.epoch === 1 && state.runState === "RoundTrain");
    });

    it("ejects a client that a quorum reports, and its owner cannot come back", async () => {
      const clients = await training(4);
      await clients[0].port.reportEquivocation(3);
      await rejectedWith("refused", clients[0].port.reportEquivocation(3), "DuplicateVote");
      await clients[1].port.reportEquivocation(3);
      expect(core.state().clients[3].state).toBe("Healthy");
      await clients[2].port.reportEquivocation(3);
      const state = await clients[0].reach(({ clients: slots }) => slots[3].state === "Ejected");
      expect(state.clients.map((slot) => slot.state)).toEqual(["Healthy", "Healthy", "Healthy", "Ejected"]);
      await clients[0].reachSnapshot(({ members }) => members.length === 3);
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
      expect(core.snapshot().members).toHaveLength(0);
    });

    /** Runs `attempt` and proves that the machine and the members are what they were. */
    async function unchanged(attempt: () => Promise<void>): Promise<void> {
      const before = core.snapshot();
      await attempt();
      const after = core.snapshot();
      expect(after.nonce).toBe(before.nonce);
      expect(equalBytes(after.bytes, before.bytes)).toBe(true);
    }
  });
}

export async function rejectedWith(code: CoordinatorErrorCode, call: Promise<unknown>, machineCode: string | null = null): Promise<void> {
  const error: unknown = await call.then(
    () => new Error(`expected the call to be refused with ${code}, it was carried out`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CoordinatorError)) throw error;
  expect({ code: error.code, machineCode: error.machineCode }).toEqual({ code, machineCode });
}

/** One client and what it knows through its port. */
export class ComplianceClient {
  readonly port: CoordinatorPort;
  readonly identity: Identity;
  readonly multiaddrs: string[];
  /** what `behave` has under way */
  readonly #busy = new Set<string>();

  constructor(port: CoordinatorPort, identity: Identity) {
    this.port = port;
    this.identity = identity;
    this.multiaddrs = [`/ip4/127.0.0.1/tcp/${1000 + identity.peer.publicKey[0]}`];
  }

  join(): Promise<void> {
    return this.port.join(this.identity.membership(), this.multiaddrs);
  }

  machine(): Machine {
    return Machine.load(this.port.snapshot()!.bytes);
  }

  async reach(wanted: (state: CoordinatorState) => boolean): Promise<CoordinatorState> {
    const snapshot = await this.reachSnapshot(({ bytes }) => wanted(Machine.load(bytes).state()));
    return Machine.load(snapshot.bytes).state();
  }

  reachSnapshot(wanted: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      let undo = (): void => {};
      let found = false;
      undo = this.port.subscribe((snapshot) => {
        if (found) return;
        try {
          found = wanted(snapshot);
        } catch (error) {
          found = true;
          reject(error as Error);
        }
        if (found) {
          queueMicrotask(() => undo());
          resolve(snapshot);
        }
      });
    });
  }

  witnessMessage(): WitnessMessage {
    const machine = this.machine();
    const state = machine.state();
    const round = state.rounds.at(-1)!;
    const slot = state.clients[machine.slotOfSession(this.identity.session.publicKey)!];
    const bitmap = new Uint8Array(32);
    for (const { batch } of machine.assignment(round.height)) bitmap[batch >> 3] |= 1 << (batch & 7);
    const last = round.drain && state.step === state.lastStep - 1;
    return {
      step: round.step,
      bitmap,
      listRoot: new Uint8Array(32).fill(round.step),
      reveal: this.identity.preimageOf(slot.chainHead)!,
      parameterHash: last ? EPOCH_HASH : new Uint8Array(32),
    };
  }

  /** From now on does what an honest client does. A refusal that comes from being late is no fault. */
  behave(): void {
    this.port.subscribe((snapshot) => {
      const machine = Machine.load(snapshot.bytes);
      const state = machine.state();
      const slot = machine.slotOfSession(this.identity.session.publicKey);
      if (slot === null || state.clients[slot].state !== "Healthy") return;
      if (state.runState === "Warmup" && !state.warmupReady.includes(slot)) {
        this.#once(`warmup ${state.epoch}`, () => this.port.warmupWitness());
      }
      const round = state.rounds.at(-1);
      if (round === undefined) return;
      const mine = round.witnesses.find((entry) => entry.clientIndex === slot);
      if (state.runState === "RoundTrain" && mine === undefined) {
        this.#once(`witness ${state.step}`, () => this.port.witness(this.witnessMessage()));
      }
      if (state.runState === "RoundWitness" && mine !== undefined && mine.listsHeld === null) {
        const lists = round.witnesses.reduce((mask, { position }) => mask | (1 << position), 0) >>> 0;
        this.#once(`downloaded ${state.step}`, () => this.port.downloaded(state.step, lists));
      }
    });
  }

  /** Not while it is under way; again if the next snapshot does not show it: a coordinator that came back may not have it. */
  #once(what: string, act: () => Promise<void>): void {
    if (this.#busy.has(what)) return;
    this.#busy.add(what);
    act()
      .catch((error: unknown) => {
        const harmless = error instanceof CoordinatorError && ["refused", "closed", "unreachable", "timeout"].includes(error.code);
        if (!harmless) throw error;
      })
      .finally(() => this.#busy.delete(what));
  }
}
