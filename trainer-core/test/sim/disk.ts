/** A client's disk: what is on it outlives the process, and it may be full. */
import { equalBytes, toHex } from "@starling/sdk/bytes";
import type { CheckpointSink, EpochCheckpoint, ModelCache } from "../../src/round/ports.ts";

/** as many as a host keeps */
const keptCheckpoints = 3;

export class SimulatedDisk implements CheckpointSink, ModelCache {
  isFull = false;
  /** oldest first */
  #checkpoints: EpochCheckpoint[] = [];
  readonly #tensors = new Map<string, Map<number, Uint8Array>>();

  async save(checkpoint: EpochCheckpoint): Promise<string>;
  async save(parameterHash: string, index: number, bytes: Uint8Array): Promise<void>;
  async save(what: EpochCheckpoint | string, index?: number, bytes?: Uint8Array): Promise<string | void> {
    if (this.isFull) throw new Error("ENOSPC: no space left on device, write");
    if (typeof what !== "string") {
      this.#checkpoints = [...this.#checkpoints, what].slice(-keptCheckpoints);
      return `memory:epoch-${what.epoch}`;
    }
    const tensors = this.#tensors.get(what) ?? new Map<number, Uint8Array>();
    this.#tensors.set(what, tensors.set(index!, bytes!.slice()));
  }

  /** Holds it, whatever came later. */
  holds(parameterHash: Uint8Array): boolean {
    return this.#checkpoints.some((checkpoint) => equalBytes(checkpoint.parameterHash, parameterHash));
  }

  loseCheckpoints(): void {
    this.#checkpoints = [];
  }

  async parametersOf(parameterHash: string): Promise<ReadonlyMap<string, Float32Array> | null> {
    return this.#checkpoints.find((checkpoint) => toHex(checkpoint.parameterHash) === parameterHash)?.parameters ?? null;
  }

  async load(parameterHash: string, index: number): Promise<Uint8Array | null> {
    return this.#tensors.get(parameterHash)?.get(index) ?? null;
  }

  async clear(exceptParameterHash: string | null): Promise<void> {
    for (const hash of this.#tensors.keys()) if (hash !== exceptParameterHash) this.#tensors.delete(hash);
  }
}
