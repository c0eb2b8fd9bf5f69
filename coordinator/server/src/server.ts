import { parseRunConfig, serializeRunConfig, toMachineConfig } from "@starling/config";
import type { PeerNetwork } from "@starling/network";
import {
  type Clock,
  CoordinatorCore,
  type CoordinatorCoreOptions,
  type CoordinatorState,
  type MachineConfig,
  type RunInfo,
  type SavedRun,
  serveCoordinator,
  type ServeOptions,
  systemClock,
  type Transition,
} from "@starling/sdk";
import { equalBytes, sha256 } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import { MAX_CONFIG_CHARS } from "@starling/sdk/protocol";
import { ServerError } from "./errors.ts";
import { epochEnded, MembershipWatch, type ServerEvent, wentBack } from "./events.ts";
import { type HistoryStore, RoundHistory } from "./roundHistory.ts";
import { decodeSavedState, encodeSavedState } from "./savedState.ts";
import { StateSaver, type StateStore } from "./store.ts";

/** Down time is told from the run's clock in the saved state: it is saved at least this often. */
const SAVE_EVERY_MS = 5_000;

type CoreOptions = Pick<
  CoordinatorCoreOptions,
  "clock" | "randomBytes" | "tickIntervalMs" | "withdrawOnDisconnect" | "disconnectGraceMs" | "restoreGraceMs"
>;

export interface CoordinatorServerOptions extends CoreOptions, Pick<ServeOptions, "admins"> {
  runId: string;
  /** handed to every client as it is */
  runConfigToml: string;
  /** where the config came from, for the messages about it */
  configSource?: string;
  /** Listening, and created with `allowAll`. The caller stops it, after `stop()`. */
  network: PeerNetwork;
  /** keeps the state: saved at each transition before clients hear of it, and after other changes; restored at the next start */
  store?: StateStore;
  /** keeps what is remembered of the rounds; without it that lasts as long as the process */
  history?: HistoryStore;
  onEvent?: (event: ServerEvent) => void;
}

/** A run to begin, or to go on with. */
interface Run {
  machine: Machine;
  restored?: Omit<SavedRun, "bytes">;
  /** (32) sha256 of the run config in its canonical form: comments and spelling do not count */
  configHash: Uint8Array;
}

/** A run with what is remembered of its rounds. */
interface Opened extends Run {
  history: RoundHistory;
}

/** The coordinator of one run, served over a network. */
export class CoordinatorServer {
  readonly core: CoordinatorCore;
  readonly #network: PeerNetwork;
  readonly #stopServing: () => void;
  readonly #saver: StateSaver | null;
  readonly #clock: Clock;
  readonly #history: RoundHistory;
  #cancelSave: () => void = () => {};

  /**
   * Restores the run's saved state if there is one, else begins the run.
   * @throws ConfigError for a bad config, ServerError for a bad saved state
   */
  static async start(options: CoordinatorServerOptions): Promise<CoordinatorServer> {
    const source = options.configSource ?? "the run config";
    if (options.runConfigToml.length > MAX_CONFIG_CHARS) {
      throw new ServerError(
        "config-too-large",
        `${source} has ${options.runConfigToml.length} characters, clients accept ${MAX_CONFIG_CHARS}; remove comments`,
      );
    }
    const parsed = parseRunConfig(options.runConfigToml, { source });
    const config = toMachineConfig(parsed);
    const configHash = sha256(new TextEncoder().encode(serializeRunConfig(parsed)));
    const saved = (await options.store?.load()) ?? null;
    const clock = options.clock ?? systemClock();
    const run: Run =
      saved === null
        ? { machine: Machine.create(options.runId, config, BigInt(Math.floor(clock.nowMs()))), configHash }
        : restore(saved, options.runId, config, configHash);
    const onError = (error: unknown): void => options.onEvent?.({ type: "error", error });
    const history = await RoundHistory.open({ store: options.history ?? null, onError }, run.machine.state().step);
    return new CoordinatorServer(options, clock, { ...run, history });
  }

  private constructor(options: CoordinatorServerOptions, clock: Clock, { machine, restored, configHash, history }: Opened) {
    const emit = options.onEvent ?? (() => {});
    const onError = (error: unknown): void => emit({ type: "error", error });
    let moved = false;
    this.#clock = clock;
    this.#saver =
      options.store === undefined
        ? null
        : new StateSaver({
            store: options.store,
            clock,
            take: () => encodeSavedState(this.core.saved(), configHash),
            onSaved: () => {
              const { epoch, step } = this.core.state();
              if (moved) emit({ type: "saved", epoch, step });
              moved = false;
            },
            onError,
          });
    this.#history = history;
    const { epoch, step, runState }: CoordinatorState = machine.state();
    const onTransition = ({ from, to, outcome, before, state }: Transition): void => {
      if (from === "RoundWitness") history.finished(before, Math.floor(clock.nowMs()));
      emit({ type: "phase", from, to, epoch: state.epoch, step: state.step });
      const lost = wentBack(before, state);
      if (lost !== null) emit(lost);
      const ended = epochEnded(outcome, before, state);
      if (ended !== null) emit(ended);
      moved = true;
      this.#saver?.moved();
    };
    this.core = new CoordinatorCore({
      machine,
      restored,
      configToml: options.runConfigToml,
      clock,
      randomBytes: options.randomBytes,
      tickIntervalMs: options.tickIntervalMs,
      withdrawOnDisconnect: options.withdrawOnDisconnect,
      disconnectGraceMs: options.disconnectGraceMs,
      restoreGraceMs: options.restoreGraceMs,
      onTransition,
      onWitness: (slot, { step, metadata }) => history.report(step, slot, metadata),
      onChange: () => this.#saver?.changed(),
      onError,
    });
    if (restored !== undefined) {
      const downMs = Math.max(0, Math.floor(clock.nowMs()) - Number(restored.runNowMs));
      emit({ type: "restored", epoch, step, runState, downMs, members: restored.members.length });
    }
    const watch = new MembershipWatch();
    this.core.subscribe((snapshot) => {
      for (const event of watch.next(snapshot, this.core.state())) emit(event);
    });
    this.#network = options.network;
    this.#stopServing = serveCoordinator({
      core: this.core,
      network: options.network,
      admins: options.admins,
      settled: () => this.#saver?.settled() ?? Promise.resolve(),
      history: (fromStep, limit) => history.since(fromStep, limit),
      shown: () => history.shown,
    });
    this.core.start();
    this.#keepSaving();
  }

  #keepSaving(): void {
    this.#cancelSave = this.#clock.after(SAVE_EVERY_MS, () => {
      this.#saver?.refresh();
      this.#keepSaving();
    });
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
    this.#cancelSave();
    await this.#saver?.finish();
    await this.#history.flush();
  }
}

function restore(saved: Uint8Array, runId: string, config: MachineConfig, configHash: Uint8Array): Run {
  const { machine, restored, configHash: savedHash } = decodeSavedState(saved);
  const state = machine.state();
  if (state.runId !== runId) {
    throw new ServerError("state-mismatch", `the saved state is of run ${state.runId}, expected ${runId}; use another folder`);
  }
  const changed: string[] = (Object.keys(config) as (keyof MachineConfig)[]).filter((key) => config[key] !== state.config[key]);
  if (changed.length === 0 && !equalBytes(savedHash, configHash)) changed.push("keys of [model]");
  if (changed.length === 0) return { machine, restored, configHash };
  if (state.runState !== "Paused") {
    throw new ServerError(
      "state-mismatch",
      `the saved state of run ${runId} is ${state.runState} under another config (${changed.join(", ")} differ); ` +
        "start it with its old config and pause it first, or use another folder",
    );
  }
  machine.updateConfig(config);
  return { machine, restored, configHash };
}
