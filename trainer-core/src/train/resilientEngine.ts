/**
 * An engine that loses nothing with its device. A copy of what it holds is taken to the host in quiet moments, and the calls since
 * are remembered; when the GPU is lost or the engine's thread dies, a new engine takes the copy, the calls are made again, and the one
 * under way is answered as if nothing had happened. On the same adapter the answers have the same bits.
 */
import type { BeginRound, Engine, InferenceAnswer, InferenceRequest, TrainBatch, Trained } from "../round/ports.ts";
import { stateBytes, type EngineState } from "./engineState.ts";
import type { TrainError } from "./errors.ts";
import { MAX_RESTARTS, SteadyEngine, type MortalEngine, type SteadyEngineOptions } from "./steadyEngine.ts";

/** For each of these a copy is taken a round more rarely: reading 158 MB takes 1.1 s of a software adapter (a GPU was not measured). */
const BYTES_PER_ROUND = 256 * 2 ** 20;
const MOST_ROUNDS = 8;
/** Rounds that are remembered though no quiet moment came, in copies' intervals; then the next round waits for a copy. */
const OVERDUE = 2;
/** A call of which so many engines died fails, however slowly they did. */
const MOST_DEATHS = MAX_RESTARTS + 1;
/** A call's error may be known before the death that caused it. */
const DEATH_NOTICE_MS = 10_000;
/** What asks for a result asks again at once; a copy is taken when that is done. */
const QUIET_MS = 20;

export interface ResilientEngineOptions<E extends MortalEngine = MortalEngine> extends SteadyEngineOptions<E> {
  /** rounds from one copy to the next; left out: by its size */
  copyEveryRounds?: number;
}

/** What the copies cost, for telemetry. */
export interface CopyFigures {
  copies: number;
  /** of the last one */
  bytes: number;
  /** of the last one */
  milliseconds: number;
  /** engines made again from a copy */
  restored: number;
}

type Remembered =
  | { method: "startEpoch" }
  | { method: "beginRound"; round: BeginRound }
  | { method: "train"; batch: TrainBatch }
  | { method: "importParameters"; parameters: ReadonlyMap<string, Float32Array>; partOf?: Uint8Array }
  | { method: "importStart" };

export class ResilientEngine<E extends MortalEngine = MortalEngine> implements Engine {
  readonly #inner: SteadyEngine<E>;
  readonly #options: ResilientEngineOptions<E>;
  readonly #figures: CopyFigures = { copies: 0, bytes: 0, milliseconds: 0, restored: 0 };
  /** null: the run's start, which every new engine holds */
  #state: EngineState | null = null;
  /** calls that changed something since `#state` */
  #log: Remembered[] = [];
  /** begun since `#state`, trained or not */
  #roundsSince = 0;
  /** of the engine that answers now, and of the one that holds what it should; they differ after a death */
  #generation = 0;
  #restoredGeneration = 0;
  #onDeath: (() => void)[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** no engine will come after this one */
  #isOver = false;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  /** told when what the engine held is lost all the same */
  onReset: (reason: string) => void = () => undefined;
  onGivenUp: (error: TrainError) => void = () => undefined;

  private constructor(inner: SteadyEngine<E>, options: ResilientEngineOptions<E>) {
    this.#inner = inner;
    this.#options = options;
    inner.onReset = () => {
      this.#generation++;
      this.#tellOfDeath();
    };
    inner.onGivenUp = (error) => {
      this.#isOver = true;
      this.#tellOfDeath();
      this.onGivenUp(error);
    };
  }

  /** Errors: those of the first `start`. */
  static async create<E extends MortalEngine>(options: ResilientEngineOptions<E>): Promise<ResilientEngine<E>> {
    return new ResilientEngine(await SteadyEngine.create(options), options);
  }

  get adapter(): string {
    return this.#inner.adapter;
  }
  get profile(): E["profile"] {
    return this.#inner.profile;
  }
  get compileMs(): number {
    return this.#inner.compileMs;
  }
  get holdsPart(): boolean {
    return this.#inner.holdsPart;
  }
  get copyFigures(): Readonly<CopyFigures> {
    return { ...this.#figures };
  }

  checkPayload(payload: Uint8Array): void {
    this.#inner.checkPayload(payload);
  }
  startEpoch(): Promise<void> {
    return this.#change({ method: "startEpoch" });
  }
  beginRound(round: BeginRound): Promise<void> {
    return this.#change({ method: "beginRound", round });
  }
  train(batch: TrainBatch): Promise<Trained> {
    return this.#change({ method: "train", batch });
  }
  importParameters(parameters: ReadonlyMap<string, Float32Array>, partOf?: Uint8Array): Promise<void> {
    return this.#change({ method: "importParameters", parameters, partOf });
  }
  importStart(): Promise<void> {
    return this.#change({ method: "importStart" });
  }
  matchesLeaves(leaves: Uint8Array): Promise<boolean> {
    return this.#ask(() => this.#inner.matchesLeaves(leaves));
  }
  parameterHash(): Promise<Uint8Array> {
    return this.#ask(() => this.#inner.parameterHash());
  }
  parameterLeaves(): Promise<Uint8Array> {
    return this.#ask(() => this.#inner.parameterLeaves());
  }
  evaluate(sequences: readonly Int32Array[]): Promise<number> {
    return this.#ask(() => this.#inner.evaluate(sequences));
  }
  exportParameters(): Promise<Map<string, Float32Array>> {
    return this.#ask(() => this.#inner.exportParameters());
  }
  /** Not asked again of a new engine: no round waits for it, and it may be what the last one died of. */
  infer(request: InferenceRequest): Promise<InferenceAnswer> {
    return this.#ask(() => this.#inner.infer(request), 1);
  }

  async stop(): Promise<void> {
    this.#stopped = this.#isOver = true;
    clearTimeout(this.#quiet);
    this.#tellOfDeath();
    await this.#inner.stop();
  }

  /** One call at a time, in their order, each until it is answered or the engine is given up. */
  #ask<T>(call: () => Promise<T>, mostDeaths = MOST_DEATHS): Promise<T> {
    const answer = this.#last.then(() => this.#answered(call, mostDeaths));
    this.#last = answer.then(
      () => this.#done(),
      () => this.#done(),
    );
    return answer;
  }

  #change<T>(remembered: Remembered): Promise<T> {
    const isRound = remembered.method === "beginRound";
    return this.#ask(async () => {
      // a client whose rounds give it no batch, or no gradient, is never quiet between them
      if (isRound && this.#roundsSince >= OVERDUE * this.#copyEveryRounds()) await this.#tryCopy();
      const answer = await this.#make(remembered);
      this.#log.push(remembered);
      if (isRound) this.#roundsSince++;
      return answer as T;
    });
  }

  #make(call: Remembered): Promise<unknown> {
    switch (call.method) {
      case "startEpoch":
        return this.#inner.startEpoch();
      case "beginRound":
        return this.#inner.beginRound(call.round);
      case "train":
        return this.#inner.train(call.batch);
      case "importParameters":
        return this.#inner.importParameters(call.parameters, call.partOf);
      case "importStart":
        return this.#inner.importStart();
      default:
        return call satisfies never;
    }
  }

  async #answered<T>(call: () => Promise<T>, mostDeaths: number): Promise<T> {
    for (let deaths = 0; ;) {
      const generation = this.#generation;
      try {
        await this.#restore();
        return await call();
      } catch (error) {
        // the inner engine gives up after too many deaths, with an error of its own: then this ends
        if (!(await this.#hasDied(generation, error)) || ++deaths >= mostDeaths) throw error;
      }
    }
  }

  /** Whether `error` is a call's own or comes from the death of the engine that was asked. */
  async #hasDied(generation: number, error: unknown): Promise<boolean> {
    if (this.#isOver) return false;
    if (this.#generation !== generation) return true;
    const { code } = error as { code?: unknown };
    if (code !== "device-lost" && code !== "engine") return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DEATH_NOTICE_MS);
      this.#onDeath.push(() => (clearTimeout(timer), resolve()));
    });
    return !this.#isOver && this.#generation !== generation;
  }

  #tellOfDeath(): void {
    for (const tell of this.#onDeath.splice(0)) tell();
  }

  /** Brings a new engine to where the last one was. A death meanwhile is the caller's to notice. */
  async #restore(): Promise<void> {
    const generation = this.#generation;
    if (this.#restoredGeneration === generation) return;
    const log = this.#log;
    try {
      if (this.#state !== null) await this.#inner.importState(this.#state);
      for (const call of log) await this.#make(call);
    } catch (error) {
      if ((await this.#hasDied(generation, error)) || this.#isOver) throw error;
      this.#forget();
      this.#restoredGeneration = generation;
      const reason = `what it held cannot be put into a new engine: ${(error as Error).message}`;
      this.onReset(reason);
      throw error;
    }
    if (this.#generation !== generation) throw new Error("the engine died again");
    this.#restoredGeneration = generation;
    this.#figures.restored++;
    this.#options.onWarning(`the new engine holds what the lost one held (${log.length} calls made again); nothing is lost`);
  }

  #forget(): void {
    this.#state = null;
    this.#log = [];
    this.#roundsSince = 0;
  }

  #done(): void {
    if (this.#stopped || !this.#isCopyDue()) return;
    this.#quiet ??= setTimeout(() => {
      this.#quiet = undefined;
      this.#copy();
    }, QUIET_MS);
  }

  /** Between rounds only: a round that has begun must still be trained from the look-ahead. */
  #isCopyDue(): boolean {
    const last = this.#log.at(-1)?.method;
    if (last === undefined || last === "beginRound") return false;
    // a whole model is not remembered beside the copy for longer than it must
    return this.#log.some(({ method }) => method === "importParameters") || this.#roundsSince >= this.#copyEveryRounds();
  }

  #copyEveryRounds(): number {
    return this.#options.copyEveryRounds ?? Math.min(MOST_ROUNDS, Math.max(1, Math.ceil(this.#figures.bytes / BYTES_PER_ROUND)));
  }

  #copy(): void {
    // the next round may have begun meanwhile
    this.#ask(async () => {
      if (this.#isCopyDue()) await this.#takeCopy();
    }).catch((error: Error) => this.#warnOfCopy(error));
  }

  /** Where a call needs an engine more than a copy. */
  async #tryCopy(): Promise<void> {
    const generation = this.#generation;
    try {
      await this.#takeCopy();
    } catch (error) {
      if (this.#generation !== generation) throw error;
      this.#warnOfCopy(error as Error);
    }
  }

  async #takeCopy(): Promise<void> {
    const startedMs = performance.now();
    const state = await this.#inner.exportState();
    this.#state = state;
    this.#log = [];
    this.#roundsSince = 0;
    this.#figures.copies++;
    this.#figures.bytes = stateBytes(state);
    this.#figures.milliseconds = performance.now() - startedMs;
  }

  #warnOfCopy(error: Error): void {
    if (!this.#stopped) this.#options.onWarning(`no copy of the engine could be taken: ${error.message}`);
  }
}
