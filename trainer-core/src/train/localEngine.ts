/**
 * The engine on a device of this thread's own, as a tab's Worker has it (a daemon's is in another thread: node-host/src/engine).
 * The adapter is checked first, shared with whoever else draws on it, and told of when it is lost.
 */
import type { Device, DeviceOptions } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { adapterName } from "../device/features.ts";
import { openDevice } from "../device/openDevice.ts";
import { TrainingEngine } from "./engine.ts";
import type { EngineSettings } from "./engineSettings.ts";
import type { EngineState } from "./engineState.ts";
import type { ChosenPrecision } from "./precision.ts";
import type { RunPlan } from "./runPlan.ts";
import { deviationSentence, selfTest } from "./selfTest.ts";
import type { MortalEngine } from "./steadyEngine.ts";
import { TrainError } from "./errors.ts";

export interface LocalEngineOptions {
  gpu: GPU;
  plan: RunPlan;
  /** sequences in one forward and backward pass: fewer are taken where a single dispatch would hold the adapter too long */
  microBatchSequences: number;
  profile?: DeviceOptions["profile"];
  /** default: by adapter */
  precision?: EngineSettings["precision"];
  portionMs?: number;
  /** ms that no single dispatch is to take; left out: whatever it takes */
  longestDispatchMs?: number;
  /** told once when the device is lost or its memory is full, unless it was stopped */
  onDeath: (error: Error) => void;
}

/** Rows of a product computed in one dispatch are cut in halves down to this many; WebGPU binds slices of 256 bytes. */
const FEWEST_ROWS = 64;
/** passes until every dispatch was measured alone, and once in its group */
const PROBES = 3;

type Cut = { microBatchSequences: number; productRows: number | undefined };

/** A `TrainingEngine`, whose calls these are. `LocalEngine.create` makes one. */
export class LocalEngine implements MortalEngine {
  readonly adapter: string;
  readonly profile: string;
  readonly precision: ChosenPrecision;
  readonly compileMs: number;
  readonly device: Device;
  readonly microBatchSequences: number;
  readonly checkPayload: (payload: Uint8Array) => void;
  /** the longest single dispatch of forward and backward, measured when it was made; 0 where nothing measures it */
  readonly longestDispatch: { label: string; ms: number };
  readonly #engine: TrainingEngine;
  readonly #onDeath: (error: Error) => void;
  #isOver = false;

  private constructor(
    device: Device,
    engine: TrainingEngine,
    onDeath: (error: Error) => void,
    facts: { compileMs: number; microBatchSequences: number; longestDispatch: { label: string; ms: number } },
  ) {
    this.adapter = adapterName(device.adapter) || "an adapter without a name";
    this.profile = device.profile;
    this.precision = engine.precision;
    this.device = device;
    this.compileMs = facts.compileMs;
    this.microBatchSequences = facts.microBatchSequences;
    this.longestDispatch = facts.longestDispatch;
    this.checkPayload = engine.plan.checkPayload;
    this.#engine = engine;
    this.#onDeath = onDeath;
    void device.gpu.lost.then(({ message }) =>
      this.#die(new DeviceError("device-lost", `the GPU was lost: ${message || "no reason given"}`)),
    );
  }

  /** Errors: DeviceError (no-adapter, no-device, too-large, wgsl), TrainError (wrong-arithmetic, unsupported). */
  static async create({
    gpu,
    plan,
    microBatchSequences,
    profile,
    precision = "auto",
    portionMs,
    longestDispatchMs,
    onDeath,
  }: LocalEngineOptions): Promise<LocalEngine> {
    const startedMs = performance.now();
    const device = await openDevice(gpu, { profile, portionMs });
    try {
      const deviation = deviationSentence(await selfTest(device));
      if (deviation !== null) throw new TrainError("wrong-arithmetic", deviation);
      let cut: Cut = { microBatchSequences, productRows: undefined };
      for (;;) {
        const engine = await TrainingEngine.create(device, plan, { ...cut, precision });
        const longestDispatch = await probe(engine);
        const next = longestDispatchMs === undefined || longestDispatch.ms <= longestDispatchMs ? null : shorter(cut, plan);
        if (next === null) {
          const facts = {
            compileMs: Math.round(performance.now() - startedMs),
            microBatchSequences: cut.microBatchSequences,
            longestDispatch,
          };
          return new LocalEngine(device, engine, onDeath, facts);
        }
        await engine.dispose();
        cut = next;
      }
    } catch (error) {
      device.dispose();
      throw error;
    }
  }

  startEpoch(): Promise<void> {
    return this.#alive(this.#engine.startEpoch());
  }
  beginRound(round: Parameters<TrainingEngine["beginRound"]>[0]): Promise<void> {
    return this.#alive(this.#engine.beginRound(round));
  }
  train(batch: Parameters<TrainingEngine["train"]>[0]): ReturnType<TrainingEngine["train"]> {
    return this.#alive(this.#engine.train(batch));
  }
  parameterHash(): Promise<Uint8Array> {
    return this.#alive(this.#engine.parameterHash());
  }
  parameterLeaves(): Promise<Uint8Array> {
    return this.#alive(this.#engine.parameterLeaves());
  }
  evaluate(sequences: readonly Int32Array[]): Promise<number> {
    return this.#alive(this.#engine.evaluate(sequences));
  }
  exportParameters(): Promise<Map<string, Float32Array>> {
    return this.#alive(this.#engine.exportParameters());
  }
  importParameters(parameters: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.#alive(this.#engine.importParameters(parameters));
  }
  exportState(): Promise<EngineState> {
    return this.#alive(this.#engine.exportState());
  }
  importState(state: EngineState): Promise<void> {
    return this.#alive(this.#engine.importState(state));
  }
  importStart(): Promise<void> {
    return this.#alive(this.#engine.importStart());
  }
  infer(request: Parameters<TrainingEngine["infer"]>[0]): ReturnType<TrainingEngine["infer"]> {
    return this.#alive(this.#engine.infer(request));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.device.dispose();
  }

  /** Nothing more can be made on a device whose memory is full; another one is, with what memory there is then. */
  async #alive<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (error instanceof DeviceError && error.code === "out-of-memory") this.#die(error);
      throw error;
    }
  }

  #die(error: DeviceError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.device.dispose(); // before the next one is made, which wants its memory
    this.#onDeath(error);
  }
}

/** Runs forward and backward on nothing, so that the pacer has measured each dispatch before the first round has to be in time. */
async function probe({ trainer }: TrainingEngine): Promise<{ label: string; ms: number }> {
  const { device, microBatchSequences, sequenceTokens } = trainer;
  if (device.pacer === null) return { label: "", ms: 0 };
  const sequences = Array.from({ length: microBatchSequences }, () => new Int32Array(sequenceTokens));
  for (let n = 0; n < PROBES; n++) await trainer.computeGradients(sequences);
  device.pacer.takeLongestMs();
  return device.pacer.longestOf(trainer.dispatches);
}

/** Half as much work in a dispatch; null where it cannot be cut any further. */
function shorter({ microBatchSequences, productRows }: Cut, { sequenceTokens }: RunPlan): Cut | null {
  if (microBatchSequences > 1) return { microBatchSequences: Math.floor(microBatchSequences / 2), productRows };
  const rows = productRows ?? sequenceTokens;
  if (rows <= FEWEST_ROWS) return null;
  return { microBatchSequences, productRows: Math.max(FEWEST_ROWS, Math.ceil(rows / 2 / FEWEST_ROWS) * FEWEST_ROWS) };
}
