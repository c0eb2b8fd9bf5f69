/**
 * A whole run in one process and no time: the real machine, coordinator core, network port, blobs, protocol and round
 * client, on a virtual clock. Every choice comes from the seed, so a seed that fails fails again.
 */
import { BlobService } from "@starling/network/blobs";
import { VirtualClock } from "@starling/network/clock";
import type { MemoryNetwork } from "@starling/network/memory";
import { MemoryHub, type MemoryFaults } from "@starling/network/memoryHub";
import { seededRandom } from "@starling/network/random";
import type { CoordinatorCore } from "@starling/sdk/core";
import type { Transition } from "@starling/sdk/coreOptions";
import { toHex } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import type { CoordinatorState, MachineConfig, Snapshot } from "@starling/sdk/types";
import type { agreedResults } from "../../src/round/agreement.ts";
import { RoundClient } from "../../src/round/client.ts";
import type { Clock, Engine, IdleWork, RoundPorts } from "../../src/round/ports.ts";
import type { CoordinatorView } from "../../src/round/states.ts";
import { SnapshotViewer } from "../../src/round/view.ts";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import { type Adversary, announcerOf, LyingCoordinator, withholdBlobs } from "./adversaries.ts";
import { CoordinatorLink } from "./coordinatorLink.ts";
import { SimulatedDisk } from "./disk.ts";
import { startFlood } from "./flooder.ts";
import { identityOf, signerOf, verifyOnce } from "./keys.node.ts";
import { SimulatedProcess, type Skew } from "./process.ts";
import { type Line, processNetwork } from "./processNetwork.ts";
import { SimulatedServer } from "./server.ts";
import { ForgingEngine, maxPayloadBytes, TwinEngine, twinStartHash, twinTensors } from "./twinEngine.ts";

export interface Scenario {
  seed: number;
  clients: number;
  /** the first members are these, the others honest */
  adversaries: Adversary[];
  pipeline: "overlapped" | "sync";
  epochs: number;
  faults: Partial<MemoryFaults>;
  config?: Partial<MachineConfig>;
  /** wall clocks are off by up to this much, ms; default 0 */
  skewMs?: number;
  /** for tests that plant a fault */
  plant?: Plant;
}

/** Something deliberately wrong, that the invariants must find. */
export interface Plant {
  agree?: typeof agreedResults;
  /** changes what one client reads of the coordinator */
  view?: (view: CoordinatorView, number: number) => CoordinatorView;
  engine?: (engine: Engine, number: number, coordinator: () => CoordinatorState) => Engine;
  machine?: (machine: Machine) => Machine;
  /** what a client's engine does while the round waits for others */
  idle?: (number: number, clock: Clock) => IdleWork;
}

export interface SimulatedClient {
  number: number;
  /** counts the processes of this member, from 0 */
  incarnation: number;
  name: string;
  adversary: Adversary | null;
  events: TelemetryEvent[];
  client: RoundClient;
  engine: TwinEngine;
  coordinator: CoordinatorLink;
  process: SimulatedProcess;
  network: MemoryNetwork;
  blobs: BlobService;
  disk: SimulatedDisk;
  line: Line;
  /** training takes this many times as long as usual */
  slowness: number;
}

/** What a simulation tells whoever watches it. */
export interface Watcher {
  event?: (client: SimulatedClient, event: TelemetryEvent, atMs: number) => void;
  transition?: (transition: Transition) => void;
  error?: (error: unknown) => void;
}

export const runId = "sim";
const startMs = 1_700_000_000_000;
export const configBase: MachineConfig = {
  warmupMs: 10_000n,
  cooldownMs: 300n,
  maxRoundTrainMs: 8_000n,
  roundWitnessMs: 4_000n,
  epochMs: 10_000_000n,
  waitingForMembersExtraMs: 200n,
  globalBatchSizeWarmupTokens: 0n,
  roundsPerEpoch: 3,
  totalSteps: 100_000,
  initMinClients: 3,
  minClients: 2,
  witnessNodes: 0,
  globalBatchSizeStart: 14,
  globalBatchSizeEnd: 14,
  maxSeqLen: 4,
  coldStartWarmupSteps: 0,
  verificationPercent: 0,
  resultShareBps: 9_000,
  stragglerGraceBps: 2_500,
  earningRateTotalShared: 1_000n,
  slashingRatePerClient: 10n,
};

const data = {
  async getSequences(start: bigint, end: bigint): Promise<Int32Array[]> {
    return Array.from({ length: Number(end - start) + 1 }, (_, i) => {
      const index = Number(start) + i;
      return Int32Array.from({ length: 4 }, (_, t) => (Math.imul(index * 4 + t, 0x27d4eb2f) >>> 24) & 255);
    });
  },
};

/** Everybody decodes the same snapshots: once is enough. */
class SharedViewer {
  readonly #viewer = new SnapshotViewer();
  readonly #views = new Map<bigint, CoordinatorView>();

  view(snapshot: Snapshot): CoordinatorView {
    let view = this.#views.get(snapshot.nonce);
    if (view === undefined) {
      view = this.#viewer.view(snapshot);
      this.#views.set(snapshot.nonce, view);
      if (this.#views.size > 64) this.#views.delete(this.#views.keys().next().value!);
    }
    return { ...view, coordinatorNowMs: Number(snapshot.coordinatorNowMs) };
  }
}

export class Simulation {
  readonly scenario: Scenario;
  readonly virtual = new VirtualClock();
  readonly clock: Clock;
  readonly hub: MemoryHub;
  readonly server: SimulatedServer;
  readonly config: MachineConfig;
  /** the coordinator's clock when virtual time began */
  readonly startMs = startMs;
  /** those whose process lives */
  readonly clients: SimulatedClient[] = [];
  readonly #viewer = new SharedViewer();
  readonly #random: () => number;
  readonly #watcher: Watcher;
  readonly #disks = new Map<number, SimulatedDisk>();
  readonly #incarnations = new Map<number, number>();

  constructor(scenario: Scenario, watcher: Watcher = {}) {
    this.scenario = scenario;
    this.#watcher = watcher;
    const { virtual } = this;
    this.clock = { nowMs: () => startMs + virtual.now(), after: (ms, run) => virtual.schedule(ms, run) };
    this.#random = seededRandom(scenario.seed);
    const onError = (error: unknown): void => {
      if (watcher.error === undefined) throw error;
      watcher.error(error);
    };
    this.hub = new MemoryHub({ seed: scenario.seed + 1, scheduler: virtual, faults: scenario.faults, onError });
    this.config = { ...configBase, initMinClients: scenario.clients, ...scenario.config };
    this.server = new SimulatedServer({
      machine: Machine.create(runId, this.config, BigInt(startMs)),
      clock: this.clock,
      scheduler: virtual,
      randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(this.#random() * 256)),
      onTransition: (transition) => watcher.transition?.(transition),
      onError,
      wrap: scenario.plant?.machine,
    });
  }

  /** The coordinator. Throws while it is down. */
  get core(): CoordinatorCore {
    const { core } = this.server;
    if (core === null) throw new Error("the coordinator is down");
    return core;
  }

  /** Starts a process of member `number`. `fromDisk`: it goes on from the checkpoint on its disk, else that is lost. */
  add(number: number, adversary: Adversary | null, { fromDisk = false } = {}): SimulatedClient {
    const { hub, scenario, virtual } = this;
    const incarnation = this.#incarnations.get(number) ?? 0;
    this.#incarnations.set(number, incarnation + 1);
    const disk = this.#disks.get(number) ?? new SimulatedDisk();
    this.#disks.set(number, disk);
    if (!fromDisk) disk.loseCheckpoints();
    const random = seededRandom(scenario.seed * 1000 + number + incarnation * 7919);
    const identity = identityOf(number, incarnation);
    const signer = signerOf(number);
    const process = new SimulatedProcess(virtual, startMs, this.#skewOf(number));
    const line: Line = { slowMs: 0, failRequests: 0 };
    const memory = hub.join(identity.peer.publicKey);
    const network = processNetwork(memory, process, line, random);
    const blobs = new BlobService({ network, stallMs: 400, scheduler: process.scheduler });
    const session = identity.session.publicKey;
    const delayMs = (): number => 2 + random() * 20;
    const trainMs = 100 + random() * 300;
    const added = { number, incarnation, adversary, process, network: memory, blobs, disk, line, slowness: 1 } as SimulatedClient;
    const engine = new (adversary === "forger" ? ForgingEngine : TwinEngine)(
      process.clock,
      () => added.slowness * trainMs * (0.8 + random() * 0.4),
    );
    const viewer = { view: (snapshot: Snapshot) => this.#viewOf(snapshot, number) };
    const coordinator =
      adversary === "liar"
        ? new LyingCoordinator(this.server, process, { runId, session, reveals: identity, viewer, hub, network }, random)
        : new CoordinatorLink(this.server, session, process, delayMs, random);
    const plant = adversary === null ? scenario.plant : undefined;
    const ports: RoundPorts = {
      coordinator,
      network: announcerOf(adversary)?.({ hub, network, blobs, signer, random }) ?? network,
      blobs,
      engine: plant?.engine?.(engine, number, () => this.server.state()) ?? engine,
      data,
      tensors: twinTensors,
      signer,
      reveals: identity,
      clock: process.clock,
      checkpoints: disk,
      modelCache: disk,
      verify: verifyOnce,
      ...(plant?.idle && { idle: plant.idle(number, process.clock) }),
    };
    if (adversary === "withholder") withholdBlobs(hub, network, random);
    if (adversary === "flooder") startFlood({ runId, network, process, signer, random });
    const client = new RoundClient(
      {
        runId,
        membership: identity.membership(),
        pipeline: scenario.pipeline,
        schedule: { kind: "Constant", base_lr: 0.01, warmup_init_lr: 0.002, warmup_steps: 6 },
        coldStartWarmupSteps: 0,
        maxPayloadBytes,
        hashEveryRound: true,
        runStartHash: twinStartHash,
        onTelemetry: (event) => this.#note(added, event),
        agree: plant?.agree,
        viewer,
      },
      ports,
    );
    const name = `${number}${incarnation > 0 ? `.${incarnation}` : ""}${adversary === null ? "" : ` ${adversary}`}`;
    Object.assign(added, { name, events: [], client, engine, coordinator });
    this.clients.push(added);
    void this.#load(added);
    return added;
  }

  /** The process dies: nothing of it is said, and nothing is left but its disk and its keys. */
  kill(client: SimulatedClient): void {
    client.process.kill();
    client.coordinator.kill();
    this.hub.kill(client.network.self);
    this.clients.splice(this.clients.indexOf(client), 1);
  }

  /** Starts the coordinator and the scenario's clients. */
  start(): void {
    this.server.start();
    for (let number = 0; number < this.scenario.clients; number++) this.add(number, this.scenario.adversaries[number] ?? null);
  }

  /** Lets time pass until the state is as wanted. Throws after `limitMs`, so that nothing waits for ever. */
  async until(wanted: (state: CoordinatorState) => boolean, limitMs = 120_000): Promise<void> {
    const met = await this.virtual.run(this.virtual.now() + limitMs, () => wanted(this.server.state()));
    if (met) return;
    const { runState, epoch, step } = this.server.state();
    throw new Error(`seed ${this.scenario.seed}: not reached in ${limitMs} ms; the run is in ${runState}, epoch ${epoch}, step ${step}`);
  }

  async pass(ms: number): Promise<void> {
    await this.virtual.run(this.virtual.now() + ms);
  }

  async stop(): Promise<void> {
    this.server.crash();
    for (const { client } of this.clients) void client.stop();
    await this.pass(10_000);
    for (const client of [...this.clients]) this.kill(client);
  }

  /** A host loads the parameters first: the agreed ones where its disk has them, as in node-host. */
  async #load({ process, engine, client, disk }: SimulatedClient): Promise<void> {
    const parameters = await disk.parametersOf(toHex(this.server.state().parameterHash));
    if (parameters !== null) await engine.importParameters(parameters);
    process.run(() => client.start());
  }

  #note(client: SimulatedClient, event: TelemetryEvent): void {
    client.events.push(event);
    this.#watcher.event?.(client, event, this.virtual.now());
  }

  #viewOf(snapshot: Snapshot, number: number): CoordinatorView {
    const view = this.#viewer.view(snapshot);
    return this.scenario.plant?.view?.(view, number) ?? view;
  }

  /** Of a member, the same in each of its processes. */
  #skewOf(number: number): Skew {
    const random = seededRandom(this.scenario.seed * 31 + number);
    const { skewMs = 0 } = this.scenario;
    return { offsetMs: (2 * random() - 1) * skewMs, drift: skewMs === 0 ? 0 : (2 * random() - 1) * 2e-4 };
  }
}
