/**
 * The engine on a device of this thread's own, as a tab's Worker has it (a daemon's is in another thread: node-host/src/engine).
 * The adapter is checked first, shared with whoever else draws on it, and told of when it is lost.
 */
import type { Device, DeviceOptions } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
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
  /** told once when the device is lost, unless it was stopped */
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
  #isStopped = false;

  private constructor(
    device: Device,
    engine: TrainingEngine,
    facts: { compileMs: number; microBatchSequences: number; longestDispatch: { label: string; ms: number } },
  ) {
    const { description, architecture, vendor } = device.adapter;
    this.adapter = description || architecture || vendor || "an adapter without a name";
    this.profile = device.profile;
    this.precision = engine.precision;
    this.device = device;
    this.compileMs = facts.compileMs;
    this.microBatchSequences = facts.microBatchSequences;
    this.longestDispatch = facts.longestDispatch;
    this.checkPayload = engine.plan.checkPayload;
    this.#engine = engine;
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
          const made = new LocalEngine(device, engine, facts);
          void device.gpu.lost.then(({ message }) => {
            if (!made.#isStopped) onDeath(new DeviceError("device-lost", `the GPU was lost: ${message || "no reason given"}`));
          });
          return made;
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
    return this.#engine.startEpoch();
  }
  beginRound(round: Parameters<TrainingEngine["beginRound"]>[0]): Promise<void> {
    return this.#engine.beginRound(round);
  }
  train(batch: Parameters<TrainingEngine["train"]>[0]): ReturnType<TrainingEngine["train"]> {
    return this.#engine.train(batch);
  }
  parameterHash(): Promise<Uint8Array> {
    return this.#engine.parameterHash();
  }
  parameterLeaves(): Promise<Uint8Array> {
    return this.#engine.parameterLeaves();
  }
  evaluate(sequences: readonly Int32Array[]): Promise<number> {
    return this.#engine.evaluate(sequences);
  }
  exportParameters(): Promise<Map<string, Float32Array>> {
    return this.#engine.exportParameters();
  }
  importParameters(parameters: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.#engine.importParameters(parameters);
  }
  exportState(): Promise<EngineState> {
    return this.#engine.exportState();
  }
  importState(state: EngineState): Promise<void> {
    return this.#engine.importState(state);
  }
  importStart(): Promise<void> {
    return this.#engine.importStart();
  }
  infer(request: Parameters<TrainingEngine["infer"]>[0]): ReturnType<TrainingEngine["infer"]> {
    return this.#engine.infer(request);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.device.dispose();
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
