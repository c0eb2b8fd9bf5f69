import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Dispatch } from "../device/device.ts";
import type { MicroBatchShape } from "../model/llamaPlan.ts";
import type { ParameterSet } from "../model/parameterSet.ts";
import { TensorRank, type Exchange, type Passes } from "./tensorRank.ts";
import type { MicroBatch, Worker } from "./worker.ts";

/** Several devices that hold a model together and compute each micro-batch together. */
export class TensorGroup implements Worker {
  readonly #ranks: readonly TensorRank[];
  readonly #parameters: readonly ParameterSet[];
  readonly #passes: readonly Passes[];

  private constructor(ranks: readonly TensorRank[], parameters: readonly ParameterSet[], passes: readonly Passes[]) {
    this.#ranks = ranks;
    this.#parameters = parameters;
    this.#passes = passes;
  }

  /** `parameters`: each device's shard of the tensors of `config`, in the order of the shards. Errors: DeviceError (wgsl, too-large). */
  static async create(parameters: readonly ParameterSet[], config: LlamaConfig, shape: MicroBatchShape): Promise<TensorGroup> {
    const count = parameters.length;
    const ranks = parameters.map((set, index) => new TensorRank(set, config, shape, { index, count }));
    return new TensorGroup(ranks, parameters, await Promise.all(ranks.map((rank) => rank.build())));
  }

  get dispatches(): readonly Dispatch[] {
    return this.#passes[0].train.flatMap(({ list }) => list);
  }

  clearGradients(): void {
    for (const set of this.#parameters) set.clearGradients();
  }

  async run({ staging, gradientScale, slot }: MicroBatch, train: boolean): Promise<void> {
    for (const rank of this.#ranks) rank.upload(staging.tokens, staging.labels, gradientScale, slot);
    const pass = train ? "train" : "evaluate";
    const stages = this.#passes[0][pass];
    for (let n = 0; n < stages.length; n++) {
      for (const [index, rank] of this.#ranks.entries()) rank.device.run(this.#passes[index][pass][n].list);
      await this.#exchange(stages[n].exchange);
    }
  }

  readLossSums(count: number): Promise<Float32Array> {
    return this.#ranks[0].readLossSums(count);
  }

  dispose(): void {
    for (const rank of this.#ranks) rank.dispose();
  }

  /** What every device has goes to all others, through the host; which waits for all of it. */
  async #exchange(what: Exchange): Promise<void> {
    switch (what?.kind) {
      case undefined:
        return;
      case "shares":
        await Promise.all(this.#ranks.map((rank) => this.#send(rank, rank.shareBytes, 0, (to) => to.shares[rank.index])));
        return;
      case "parts": {
        const bytes = 3 * what.rows * 4;
        await Promise.all(this.#ranks.map((rank) => this.#send(rank, bytes, rank.index * bytes, (to) => to.parts)));
        return;
      }
      default:
        what satisfies never;
    }
  }

  /** A range of `buffer` of one device into the same place of all others. */
  #send(from: TensorRank, bytes: number, offsetBytes: number, bufferOf: (rank: TensorRank) => GPUBuffer): Promise<void> {
    return from.device.readInto(bufferOf(from), bytes, offsetBytes, (mapped) => {
      for (const to of this.#ranks) if (to !== from) to.device.writeBytes(bufferOf(to), offsetBytes, mapped, 0, bytes);
    });
  }
}
