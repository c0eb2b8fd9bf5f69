import { parseRunConfig, toMachineConfig } from "@starling/config";
import type { PeerNetwork } from "@starling/network";
import {
  type Clock,
  CoordinatorCore,
  type CoordinatorState,
  type MachineConfig,
  type RunInfo,
  serveCoordinator,
  systemClock,
  type Transition,
} from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";
import { ServerError } from "./errors.ts";
import { epochEnded, MembershipWatch, type ServerEvent } from "./events.ts";
import { StateSaver, type StateStore } from "./store.ts";

export interface CoordinatorServerOptions {
  runId: string;
  /** handed to every client as it is */
  runConfigToml: string;
  /** where the config came from, for the messages about it */
  configSource?: string;
  /** Listening, and created with `allowAll`. The caller stops it, after `stop()`. */
  network: PeerNetwork;
  clock?: Clock;
  randomBytes?: (length: number) => Uint8Array;
  tickIntervalMs?: number;
  withdrawOnDisconnect?: boolean;
  disconnectGraceMs?: number;
  /** owners (32) that may pause and resume the run over the network */
  admins?: readonly Uint8Array[];
  /** keeps the state, saved at each transition and restored at the next start */
  store?: StateStore;
  onEvent?: (event: ServerEvent) => void;
}

/** The coordinator of one run, served over a network. */
export class CoordinatorServer {
  readonly core: CoordinatorCore;
  readonly #network: PeerNetwork;
  readonly #stopServing: () => void;
  readonly #saver: StateSaver | null;

  /**
   * Restores the run's saved state if there is one, else begins the run.
   * @throws ConfigError for a bad config, ServerError for a bad saved state
   */
  static async start(options: CoordinatorServerOptions): Promise<CoordinatorServer> {
    const source = options.configSource ?? "the run config";
    const config = toMachineConfig(parseRunConfig(options.runConfigToml, { source }));
    const saved = (await options.store?.load()) ?? null;
    const clock = options.clock ?? systemClock();
    const machine =
      saved === null ? Machine.create(options.runId, config, BigInt(Math.floor(clock.nowMs()))) : restore(saved, options.runId, config);
    return new CoordinatorServer(options, machine, clock);
  }

  private constructor(options: CoordinatorServerOptions, machine: Machine, clock: Clock) {
    const emit = options.onEvent ?? (() => {});
    const onError = (error: unknown): void => emit({ type: "error", error });
    this.#saver =
      options.store === undefined
        ? null
        : new StateSaver(options.store, ({ epoch, step }) => emit({ type: "saved", epoch, step }), onError);
    let before: CoordinatorState = machine.state();
    const onTransition = ({ from, to, outcome, state, bytes }: Transition): void => {
      emit({ type: "phase", from, to, epoch: state.epoch, step: state.step });
      const ended = epochEnded(outcome, before, state);
      if (ended !== null) emit(ended);
      before = state;
      this.#saver?.save({ bytes, epoch: state.epoch, step: state.step });
    };
    this.core = new CoordinatorCore({
      machine,
      configToml: options.runConfigToml,
      clock,
      randomBytes: options.randomBytes,
      tickIntervalMs: options.tickIntervalMs,
      withdrawOnDisconnect: options.withdrawOnDisconnect,
      disconnectGraceMs: options.disconnectGraceMs,
      onTransition,
      onError,
    });
    const watch = new MembershipWatch();
    this.core.subscribe((snapshot) => {
      for (const event of watch.next(snapshot, this.core.state())) emit(event);
    });
    this.#network = options.network;
    this.#stopServing = serveCoordinator({ core: this.core, network: options.network, admins: options.admins });
    this.core.start();
  }

  runInfo(): RunInfo {
    return this.core.runInfo();
  }

  /** Where clients can dial this server. */
  multiaddrs(): string[] {
    return this.#network.multiaddrs();
  }

  /** Pauses and waits for the pipeline to drain; false if the deadline came first. */
  pause(deadlineMs: number): Promise<boolean> {
    return this.core.pauseAndDrain(deadlineMs);
  }

  resume(): void {
    this.core.setPaused(false);
  }

  /** Serves nobody any more, and has saved what there was to save. */
  async stop(): Promise<void> {
    this.#stopServing();
    this.core.stop();
    await this.#saver?.finish();
  }
}

function restore(saved: Uint8Array, runId: string, config: MachineConfig): Machine {
  let machine: Machine;
  try {
    machine = Machine.load(saved);
  } catch (cause) {
    throw new ServerError(
      "state-unreadable",
      `the saved state of run ${runId} cannot be read: ${(cause as Error).message}; move it away to begin anew`,
      { cause },
    );
  }
  const state = machine.state();
  if (state.runId !== runId) {
    throw new ServerError("state-mismatch", `the saved state is of run ${state.runId}, expected ${runId}; use another folder`);
  }
  const changed = (Object.keys(config) as (keyof MachineConfig)[]).filter((key) => config[key] !== state.config[key]);
  if (changed.length === 0) return machine;
  if (state.runState !== "Paused") {
    throw new ServerError(
      "state-mismatch",
      `the saved state of run ${runId} is ${state.runState} under another config (${changed.join(", ")} differ); ` +
        "start it with its old config and pause it first, or use another folder",
    );
  }
  machine.updateConfig(config);
  return machine;
}
