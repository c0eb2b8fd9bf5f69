/** An engine that outlives its device: when the GPU is lost or its thread crashes, a new one is started in its place. */
import type { BeginRound, Engine, InferenceAnswer, InferenceRequest, TrainBatch, Trained } from "../round/ports.ts";
import type { EngineState, KeepsState } from "./engineState.ts";
import { TrainError } from "./errors.ts";

/** A device that is lost more often than this in so short a time will be lost again. */
export const MAX_RESTARTS = 3;
export const WINDOW_MS = 600_000;

/** An engine on a device that may be lost: a Node worker thread's, or a tab's. */
export interface MortalEngine extends Engine, KeepsState {
  readonly adapter: string;
  readonly profile: string;
  readonly compileMs: number;
  importStart(): Promise<void>;
  infer(request: InferenceRequest): Promise<InferenceAnswer>;
  stop(): Promise<void>;
}

export interface SteadyEngineOptions<E extends MortalEngine = MortalEngine> {
  /** Makes an engine that holds the run's own start. `onDeath`: no later call will be answered. */
  start(onDeath: (error: Error) => void): Promise<E>;
  /** Puts the run's own start in, where the engine itself does not know it. */
  importStart?: (engine: Engine) => Promise<void>;
  onWarning(message: string): void;
  /** what a person does about a device that is lost again and again */
  advice: string;
  nowMs?: () => number;
}

/**
 * Calls that were under way when an engine died are rejected, later ones wait for the next. What the old one held is lost with it:
 * `onReset` is told at once, before any call reaches the next. After too many deaths every call is rejected, and `onGivenUp` is told.
 */
export class SteadyEngine<E extends MortalEngine = MortalEngine> implements Engine {
  readonly adapter: string;
  readonly profile: E["profile"];
  readonly compileMs: number;
  readonly holdsPart: boolean;
  readonly #options: SteadyEngineOptions<E>;
  readonly #checkPayload: (payload: Uint8Array) => void;
  readonly #deathsMs: number[] = [];
  #current: Promise<E>;
  #stopped = false;
  onReset: (reason: string) => void = () => undefined;
  onGivenUp: (error: TrainError) => void = () => undefined;

  private constructor(options: SteadyEngineOptions<E>, first: E) {
    this.#options = options;
    this.#current = Promise.resolve(first);
    this.#checkPayload = (payload) => first.checkPayload(payload);
    this.adapter = first.adapter;
    this.profile = first.profile;
    this.compileMs = first.compileMs;
    this.holdsPart = first.holdsPart ?? false;
  }

  /** Errors: those of the first `start`. One that cannot even start is not tried again. */
  static async create<E extends MortalEngine>(options: SteadyEngineOptions<E>): Promise<SteadyEngine<E>> {
    let engine: SteadyEngine<E> | null = null;
    let died: Error | null = null;
    const first = await options.start((error) => {
      if (engine) engine.#onDeath(error);
      else died = error;
    });
    if (died !== null) throw died as Error;
    return (engine = new SteadyEngine(options, first));
  }

  #onDeath(error: Error): void {
    if (this.#stopped) return;
    const nowMs = (this.#options.nowMs ?? (() => performance.now()))();
    this.#deathsMs.push(nowMs);
    const lately = this.#deathsMs.filter((atMs) => nowMs - atMs < WINDOW_MS).length;
    if (lately > MAX_RESTARTS) {
      this.#giveUp(
        new TrainError(
          "engine-lost",
          `the engine was lost ${lately} times within ${WINDOW_MS / 60_000} minutes, lastly: ${error.message}. ${this.#options.advice}`,
        ),
      );
      return;
    }
    this.#options.onWarning(`${error.message}; the engine is started again (${lately} of at most ${MAX_RESTARTS} times)`);
    const next = this.#options.start((again) => this.#onDeath(again));
    this.#current = next;
    next.catch((cause: Error) => {
      if (this.#current === next && !this.#stopped)
        this.#giveUp(
          new TrainError("engine-lost", `the engine was lost (${error.message}) and cannot be started again: ${cause.message}`, { cause }),
        );
    });
    this.onReset(error.message);
  }

  #giveUp(error: TrainError): void {
    this.#current = Promise.reject(error);
    this.#current.catch(() => undefined);
    this.onGivenUp(error);
  }

  checkPayload(payload: Uint8Array): void {
    this.#checkPayload(payload);
  }
  async startEpoch(): Promise<void> {
    return (await this.#current).startEpoch();
  }
  async beginRound(round: BeginRound): Promise<void> {
    return (await this.#current).beginRound(round);
  }
  async train(batch: TrainBatch): Promise<Trained> {
    return (await this.#current).train(batch);
  }
  async parameterHash(): Promise<Uint8Array> {
    return (await this.#current).parameterHash();
  }
  async parameterLeaves(): Promise<Uint8Array> {
    return (await this.#current).parameterLeaves();
  }
  async evaluate(sequences: readonly Int32Array[]): Promise<number> {
    return (await this.#current).evaluate(sequences);
  }
  async exportParameters(): Promise<Map<string, Float32Array>> {
    return (await this.#current).exportParameters();
  }
  async matchesLeaves(leaves: Uint8Array): Promise<boolean> {
    const engine = await this.#current;
    if (!engine.matchesLeaves) throw new TrainError("unsupported", "this engine holds the whole model: compare its hash");
    return engine.matchesLeaves(leaves);
  }
  async importParameters(parameters: ReadonlyMap<string, Float32Array>, partOf?: Uint8Array): Promise<void> {
    return (await this.#current).importParameters(parameters, partOf);
  }
  async exportState(): Promise<EngineState> {
    return (await this.#current).exportState();
  }
  async importState(state: EngineState): Promise<void> {
    return (await this.#current).importState(state);
  }
  async importStart(): Promise<void> {
    const engine = await this.#current;
    return this.#options.importStart ? this.#options.importStart(engine) : engine.importStart();
  }
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    return (await this.#current).infer(request);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const engine = await this.#current.catch(() => null);
    await engine?.stop();
  }
}
