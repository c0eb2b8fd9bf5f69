/** The coordinator as a process that may die and start again from what it had saved. */
import type { Scheduler } from "@starling/network/clock";
import { CoordinatorCore } from "@starling/sdk/core";
import type { SavedRun, Transition } from "@starling/sdk/coreOptions";
import { Machine } from "@starling/sdk/machine";
import type { CoordinatorState } from "@starling/sdk/types";
import type { Clock } from "../../src/round/ports.ts";

/** A crash may lose this much of the calls within a phase. */
export const mostLostMs = 30;

export interface SimulatedServerOptions {
  machine: Machine;
  clock: Clock;
  scheduler: Scheduler;
  randomBytes: (length: number) => Uint8Array;
  onTransition: (transition: Transition) => void;
  onError: (error: unknown) => void;
  /** for tests that plant a fault in the machine */
  wrap?: (machine: Machine) => Machine;
}

export class SimulatedServer {
  readonly scheduler: Scheduler;
  readonly #options: SimulatedServerOptions;
  readonly #startListeners = new Set<() => void>();
  readonly #crashListeners = new Set<() => void>();
  /** null while it is down */
  core: CoordinatorCore | null;
  /** newest last; older ones only as far back as a crash may lose */
  #saves: { atMs: number; saved: SavedRun }[] = [];
  #state: CoordinatorState;

  constructor(options: SimulatedServerOptions) {
    this.#options = options;
    this.scheduler = options.scheduler;
    this.#state = options.machine.state();
    this.core = this.#newCore(options.machine);
  }

  /** The coordinator's state, or what it was when it died. */
  state(): CoordinatorState {
    return this.core?.state() ?? this.#state;
  }

  onCrash(listener: () => void): () => void {
    this.#crashListeners.add(listener);
    return () => void this.#crashListeners.delete(listener);
  }

  /** Told of each core as it starts. */
  onStart(listener: () => void): void {
    this.#startListeners.add(listener);
  }

  start(): void {
    for (const listener of this.#startListeners) listener();
    this.core!.start();
  }

  /** `lostMs`: calls of so short a time before are not on the disk. */
  crash(lostMs = 0): void {
    if (this.core === null) return;
    const untilMs = this.scheduler.now() - lostMs;
    while (this.#saves.length > 1 && this.#saves.at(-1)!.atMs > untilMs) this.#saves.pop();
    this.#state = this.core.state();
    this.core.stop();
    this.core = null;
    for (const listener of this.#crashListeners) listener();
  }

  restart(): void {
    if (this.core !== null) return;
    const { saved } = this.#saves.at(-1)!;
    this.core = this.#newCore(Machine.load(saved.bytes), saved);
    this.start();
  }

  #newCore(machine: Machine, restored?: SavedRun): CoordinatorCore {
    const { clock, randomBytes, onTransition, onError, wrap } = this.#options;
    const core: CoordinatorCore = new CoordinatorCore({
      restored,
      machine: wrap?.(machine) ?? machine,
      configToml: "",
      clock,
      randomBytes,
      onTransition: (transition) => {
        // a transition is on the disk before anybody is told of it
        this.#saves = [];
        onTransition(transition);
      },
      onChange: () => this.#save(core),
      onError,
    });
    return core;
  }

  #save(core: CoordinatorCore): void {
    const atMs = this.scheduler.now();
    this.#saves.push({ atMs, saved: core.saved() });
    while (this.#saves.length > 1 && this.#saves[1].atMs < atMs - mostLostMs) this.#saves.shift();
  }
}
