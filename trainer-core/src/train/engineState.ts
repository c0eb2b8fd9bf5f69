/** What an engine must not lose: all that its next round depends on. Plain data, which crosses threads. */
import type { SentResult } from "../compress/wire.ts";
import type { LossScaleState } from "../optim/lossScale.ts";

export interface EngineState {
  /** master parameters by ascending name */
  master: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** (32) an engine that holds a part of a model: the whole one's hash, while it is known; else null */
  partOf: Uint8Array | null;
  /** null where nothing is scaled */
  lossScale: LossScaleState | null;
  optimizer: OptimizerState;
}

export interface OptimizerState {
  /** by ascending name */
  residual: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** what was sent, unquantised, and is still to be taken out of the residual; null: nothing */
  owed: SentResult | null;
}

export interface KeepsState {
  /** A copy of what the engine holds; between rounds, since a look-ahead that is under way is not in it. */
  exportState(): Promise<EngineState>;
  /** Errors: TrainError bad-parameters or RangeError, before anything has changed, for a state of another model. */
  importState(state: EngineState): Promise<void>;
}

export function stateBytes({ master, optimizer: { residual, owed } }: EngineState): number {
  const ofMap = (tensors: EngineState["master"]) => [...tensors.values()].reduce((sum, values) => sum + values.byteLength, 0);
  return ofMap(master) + ofMap(residual) + (owed === null ? 0 : owed.index.byteLength + owed.valueBits.byteLength);
}

/** The memory behind a state, to hand over to another thread without a copy. */
export function stateBuffers({ master, optimizer: { residual, owed } }: EngineState): ArrayBuffer[] {
  const arrays = [...master.values(), ...residual.values(), ...(owed === null ? [] : [owed.index, owed.valueBits])];
  return [...new Set(arrays.map(({ buffer }) => buffer))];
}
