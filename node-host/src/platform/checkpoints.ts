/** A client's checkpoints on its own disk: written when an epoch is agreed and when it stops, and what it starts from again. */
import { resolve } from "node:path";
import type { LlamaConfig } from "@starling/config";
import { toHex } from "@starling/sdk/bytes";
import { valuesOf } from "@starling/trainer-core/checkpoint/modelTensors";
import { directoryStore } from "@starling/trainer-core/checkpoint/store.node";
import type { CheckpointStore, StoredCheckpoint } from "@starling/trainer-core/checkpoint/store";
import { llamaParameters } from "@starling/trainer-core/model/parameters";
import type { CheckpointSink, Engine } from "@starling/trainer-core/round/ports";
import type { HostLog } from "../events.ts";

export interface OwnCheckpointsOptions {
  directory: string;
  keepSteps: number;
  runId: string;
  llama: LlamaConfig;
  engine: Pick<Engine, "exportParameters" | "importParameters" | "parameterHash">;
  log: HostLog;
}

export class OwnCheckpoints {
  readonly #options: OwnCheckpointsOptions;
  readonly #store: CheckpointStore;

  constructor(options: OwnCheckpointsOptions) {
    this.#options = options;
    this.#store = directoryStore(resolve(options.directory), { keepSteps: options.keepSteps });
  }

  readonly sink: CheckpointSink = {
    save: ({ parameters, step, epoch, parameterHash }) => this.#save(parameters, step, epoch, parameterHash, true),
    parametersOf: (parameterHash) => this.#parametersOf(parameterHash),
  };

  /** The engine's parameters as they are. Resolves to the folder. Errors: CheckpointError. */
  async saveNow(step: number, epoch: number, agreed: boolean): Promise<string> {
    const { engine } = this.#options;
    return this.#save(await engine.exportParameters(), step, epoch, await engine.parameterHash(), agreed);
  }

  /**
   * Puts the run's agreed parameters into the engine where a checkpoint here holds them; the engine hashes what it was given. Others
   * are left alone: peers have the agreed ones. Resolves to the checkpoint, or null. A damaged one is told of and passed over.
   */
  async resume(agreedHash: Uint8Array, signal: AbortSignal): Promise<StoredCheckpoint | null> {
    const { log } = this.#options;
    const stored = await this.#list();
    if (stored.length === 0) return null;
    const agreed = toHex(agreedHash);
    if (/^0+$/.test(agreed)) {
      log({
        type: "warning",
        message: `the coordinator knows of no agreed parameters, so the run begins anew; ${stored[0].location} (step ${stored[0].step}) is not used. To start from it, give it to every client with --checkpoint`,
      });
      return null;
    }
    for (const checkpoint of stored.filter(({ parameterHash }) => parameterHash === agreed)) {
      const why = await this.#load(checkpoint, agreed, signal);
      if (why === null) return checkpoint;
      log({ type: "warning", message: `checkpoint ${checkpoint.location} is not used: ${why}` });
    }
    return null;
  }

  async holds(parameterHash: string): Promise<boolean> {
    return (await this.#list()).some((stored) => stored.parameterHash === parameterHash);
  }

  /** Newest first; none, and a warning, where they cannot be read. */
  async #list(): Promise<StoredCheckpoint[]> {
    const { runId, log } = this.#options;
    try {
      return await this.#store.list(runId);
    } catch (error) {
      log({ type: "warning", message: `the checkpoints here cannot be read: ${(error as Error).message}` });
      return [];
    }
  }

  /** For a run that goes back to parameters agreed before: they may be here, and nowhere else. */
  async #parametersOf(parameterHash: string): Promise<ReadonlyMap<string, Float32Array> | null> {
    for (const { location } of (await this.#list()).filter((stored) => stored.parameterHash === parameterHash)) {
      try {
        const { parameters } = await this.#store.load(location);
        return valuesOf(parameters);
      } catch (error) {
        this.#options.log({ type: "warning", message: `checkpoint ${location} is not used: ${(error as Error).message}` });
      }
    }
    return null;
  }

  /** Null, or why it cannot be used. */
  async #load({ location }: StoredCheckpoint, agreed: string, signal: AbortSignal): Promise<string | null> {
    const { engine } = this.#options;
    try {
      const { parameters } = await this.#store.load(location, signal);
      await engine.importParameters(valuesOf(parameters));
      const hash = toHex(await engine.parameterHash());
      return hash === agreed ? null : `it is damaged: its parameters hash to ${hash.slice(0, 16)}, not to ${agreed.slice(0, 16)}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #save(values: ReadonlyMap<string, Float32Array>, step: number, epoch: number, hash: Uint8Array, agreed: boolean): Promise<string> {
    const { llama, runId, log } = this.#options;
    const parameters = new Map(
      llamaParameters(llama).map(({ name, shape }) => [name, { shape, data: values.get(name) as Float32Array<ArrayBuffer> }]),
    );
    const state = { runId, step, epoch, parameterHash: toHex(hash), created: new Date().toISOString() };
    const { location, notDeleted } = await this.#store.save({ config: llama, parameters, state });
    if (notDeleted.length > 0)
      log({ type: "warning", message: `old checkpoints could not be deleted, the disk will fill: ${notDeleted.join(", ")}` });
    log({ type: "saved", path: location, step, parameterHash: state.parameterHash, agreed });
    return location;
  }
}
