/**
 * A whole run in one process and no time: the real machine, coordinator core, network port, blobs, protocol and round
 * client, on a virtual clock. Every choice comes from the seed, so a seed that fails fails again.
 */
import { BlobService } from "@starling/network/blobs";
import { VirtualClock } from "@starling/network/clock";
import { MemoryHub, type MemoryFaults } from "@starling/network/memoryHub";
import { seededRandom } from "@starling/network/random";
import { CoordinatorCore } from "@starling/sdk/core";
import { Machine } from "@starling/sdk/machine";
import { MemoryCoordinator } from "@starling/sdk/memory";
import type { CoordinatorState, MachineConfig, Snapshot } from "@starling/sdk/types";
import type { agreedResults } from "../../src/round/agreement.ts";
import { RoundClient } from "../../src/round/client.ts";
import type { Clock, RoundPorts } from "../../src/round/ports.ts";
import type { CoordinatorView } from "../../src/round/states.ts";
import { SnapshotViewer } from "../../src/round/view.ts";
import type { TelemetryEvent } from "../../src/telemetry/events.ts";
import { type Adversary, announcerOf, LyingCoordinator, withholdBlobs } from "./adversaries.ts";
import { DelayedCoordinator } from "./delayedCoordinator.ts";
import { member, verifyOnce } from "./keys.node.ts";
import { forgedCodec, maxPayloadBytes, twinCodec, TwinEngine } from "./twinEngine.ts";

export interface Scenario {
  seed: number;
  clients: number;
  /** the first members are these, the others honest */
  adversaries: Adversary[];
  pipeline: "overlapped" | "sync";
  epochs: number;
  faults: Partial<MemoryFaults>;
  agree?: typeof agreedResults;
  config?: Partial<MachineConfig>;
  /** virtual time after which the run counts as stuck */
  limitMs?: number;
}

export interface SimulatedClient {
  name: string;
  adversary: Adversary | null;
  events: TelemetryEvent[];
  client: RoundClient;
  engine: TwinEngine;
  coordinator: DelayedCoordinator;
}

export interface Outcome {
  /** the epochs came to their end in time */
  finished: boolean;
  virtualMs: number;
  state: CoordinatorState;
  clients: SimulatedClient[];
  honest: SimulatedClient[];
  /** slots ever ejected, dropped or withdrawn, by session */
  exits: Map<string, string>;
  /** mean distance from the data before and after */
  lossFirst: number;
  lossLast: number;
}

const runId = "sim";
const startMs = 1_700_000_000_000;
const configBase: MachineConfig = {
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
  readonly core: CoordinatorCore;
  readonly clients: SimulatedClient[] = [];
  readonly #viewer = new SharedViewer();
  readonly #random: () => number;
  readonly #exits = new Map<string, string>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    const { virtual } = this;
    this.clock = { nowMs: () => startMs + virtual.now(), after: (ms, run) => virtual.schedule(ms, run) };
    this.#random = seededRandom(scenario.seed);
    this.hub = new MemoryHub({ seed: scenario.seed + 1, scheduler: virtual, faults: scenario.faults });
    const config = { ...configBase, initMinClients: scenario.clients, ...scenario.config };
    this.core = new CoordinatorCore({
      machine: Machine.create(runId, config, BigInt(startMs)),
      configToml: "",
      clock: this.clock,
      randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(this.#random() * 256)),
    });
    this.core.subscribe(() => this.#noteExits());
  }

  /** Adds member number `number`, and starts it. */
  add(number: number, adversary: Adversary | null): SimulatedClient {
    const { identity, signer } = member(number);
    const { hub, clock } = this;
    const random = seededRandom(this.scenario.seed * 1000 + number);
    const network = hub.join(identity.peer.publicKey);
    const blobs = new BlobService({ network, stallMs: 400, scheduler: this.virtual });
    const session = identity.session.publicKey;
    const inner = new MemoryCoordinator(this.core, { session });
    const delayMs = (): number => 2 + random() * 20;
    const slowness = 100 + random() * 300;
    const engine = new TwinEngine(clock, () => slowness * (0.8 + random() * 0.4));
    const events: TelemetryEvent[] = [];
    const liar = { runId, session, reveals: identity, viewer: this.#viewer, hub, network };
    const coordinator =
      adversary === "liar" ? new LyingCoordinator(inner, clock, () => 1, liar, random) : new DelayedCoordinator(inner, clock, delayMs);
    const ports: RoundPorts = {
      coordinator,
      network: announcerOf(adversary)?.({ hub, network, blobs, signer, random }) ?? network,
      blobs,
      engine,
      data,
      modelCodec: adversary === "forger" ? forgedCodec : twinCodec,
      signer,
      reveals: identity,
      clock,
      checkpoints: null,
      verify: verifyOnce,
    };
    if (adversary === "withholder") withholdBlobs(hub, network, random);
    const client = new RoundClient(
      {
        runId,
        membership: identity.membership(),
        pipeline: this.scenario.pipeline,
        schedule: { kind: "Constant", base_lr: 0.01, warmup_init_lr: 0.002, warmup_steps: 6 },
        coldStartWarmupSteps: 0,
        maxPayloadBytes,
        hashEveryRound: true,
        onTelemetry: (event) => events.push(event),
        agree: adversary === null ? this.scenario.agree : undefined,
        viewer: this.#viewer,
      },
      ports,
    );
    const added = { name: `${number}${adversary === null ? "" : ` ${adversary}`}`, adversary, events, client, engine, coordinator };
    this.clients.push(added);
    client.start();
    return added;
  }

  /** Starts the coordinator and the scenario's clients. */
  start(): void {
    this.core.start();
    for (let number = 0; number < this.scenario.clients; number++) this.add(number, this.scenario.adversaries[number] ?? null);
  }

  /** Lets time pass until the state is as wanted. Throws after `limitMs`, so that nothing waits for ever. */
  async until(wanted: (state: CoordinatorState) => boolean, limitMs = 120_000): Promise<void> {
    const met = await this.virtual.run(this.virtual.now() + limitMs, () => wanted(this.core.state()));
    if (met) return;
    const { runState, epoch, step } = this.core.state();
    throw new Error(`seed ${this.scenario.seed}: not reached in ${limitMs} ms; the run is in ${runState}, epoch ${epoch}, step ${step}`);
  }

  async pass(ms: number): Promise<void> {
    await this.virtual.run(this.virtual.now() + ms);
  }

  async stop(): Promise<void> {
    this.core.stop();
    for (const { client } of this.clients) void client.stop();
    await this.pass(10_000);
  }

  /** The whole scenario: until the coordinator has ended that many epochs, or time is up. */
  async run(): Promise<Outcome> {
    const { scenario, core } = this;
    this.start();
    const evaluated = await data.getSequences(0n, 63n);
    const judge = this.clients.at(-1)!.engine;
    const lossFirst = await judge.evaluate(evaluated);
    const limitMs = scenario.limitMs ?? scenario.epochs * 60_000;
    const finished = await this.virtual.run(limitMs, () => core.state().epoch >= scenario.epochs);
    // what is under way ends: parameters of the last epoch are hashed and put up
    await this.pass(150);
    const lossLast = await judge.evaluate(evaluated);
    const outcome: Outcome = {
      finished,
      virtualMs: this.virtual.now(),
      state: core.state(),
      clients: this.clients,
      honest: this.clients.filter(({ adversary }) => adversary === null),
      exits: this.#exits,
      lossFirst,
      lossLast,
    };
    await this.stop();
    return outcome;
  }

  #noteExits(): void {
    for (const { state, session } of this.core.state().clients) {
      if (state !== "Healthy") this.#exits.set(Buffer.from(session).toString("hex"), state);
    }
  }
}
