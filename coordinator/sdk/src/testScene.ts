/** A core in simulated time, for tests. */
import { VirtualClock } from "@starling/network";
import { expect } from "vitest";
import type { Clock } from "./clock.ts";
import { COMPLIANCE_CONFIG } from "./complianceClient.ts";
import { CoordinatorCore } from "./core.ts";
import type { CoordinatorCoreOptions, SavedRun, Transition } from "./coreOptions.ts";
import { Identity } from "./identity.ts";
import { Machine } from "./machine.ts";
import type { MachineConfig, RunState } from "./types.ts";

const BEGAN_MS = 1_000_000;
export const SCENE_CONFIG: MachineConfig = {
  ...COMPLIANCE_CONFIG,
  warmupMs: 5_000n,
  waitingForMembersExtraMs: 1_000n,
  initMinClients: 2,
  cooldownMs: 1_000n,
};

/** Nothing here waits for a real clock. */
export class Scene {
  readonly time: VirtualClock;
  readonly clock: Clock = {
    nowMs: () => BEGAN_MS + this.time.now(),
    after: (ms, run) => this.time.schedule(ms, run),
  };
  readonly transitions: Transition[] = [];
  readonly errors: unknown[] = [];
  readonly core: CoordinatorCore;

  constructor(options: Partial<CoordinatorCoreOptions> = {}, time = new VirtualClock()) {
    this.time = time;
    this.core = new CoordinatorCore({
      machine: Machine.create("core", SCENE_CONFIG, BigInt(BEGAN_MS)),
      configToml: "",
      clock: this.clock,
      randomBytes: (length) => new Uint8Array(length).fill(5),
      onTransition: (transition) => this.transitions.push(transition),
      onError: (error) => this.errors.push(error),
      ...options,
    });
    this.core.start();
  }

  /** The coordinator dies, and one that knows `saved` starts `downMs` later. */
  async restart(saved: SavedRun, downMs: number, options: Partial<CoordinatorCoreOptions> = {}): Promise<Scene> {
    this.core.stop();
    await this.wait(downMs);
    return new Scene({ machine: Machine.load(saved.bytes), restored: saved, ...options }, this.time);
  }

  get phase(): RunState {
    return this.core.state().runState;
  }

  async wait(ms: number): Promise<void> {
    await this.time.run(this.time.now() + ms);
  }

  /** Joins, over a connection that stays. */
  join(count: number, chainLength = 64): Identity[] {
    return Array.from({ length: count }, () => {
      const identity = Identity.generate({ chainLength });
      this.core.attach(identity.session.publicKey);
      this.core.join(identity.membership(), []);
      return identity;
    });
  }

  async train(count: number): Promise<Identity[]> {
    const identities = this.join(count);
    await this.wait(1_100);
    for (const { session } of identities) this.core.warmupWitness(session.publicKey);
    expect(this.phase).toBe("RoundTrain");
    return identities;
  }
}
