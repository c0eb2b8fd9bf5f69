import type { Dispatch } from "../device/device.ts";
import type { LlamaPlan } from "../model/llamaPlan.ts";
import type { ParameterSet } from "../model/parameterSet.ts";
import type { MicroBatch, Worker } from "./worker.ts";

/** One device that holds the whole model. */
export class Replica implements Worker {
  readonly #plan: LlamaPlan;
  readonly #parameters: ParameterSet;

  constructor(plan: LlamaPlan, parameters: ParameterSet) {
    this.#plan = plan;
    this.#parameters = parameters;
  }

  get dispatches(): readonly Dispatch[] {
    const { forward, head, backward } = this.#plan.phases;
    return [...forward, ...head, ...backward];
  }

  clearGradients(): void {
    this.#parameters.clearGradients();
  }

  async run({ staging, gradientScale, slot }: MicroBatch, train: boolean): Promise<void> {
    this.#plan.upload(staging.tokens, staging.labels, gradientScale, slot);
    if (train) this.#plan.runForwardBackward();
    else this.#plan.runForwardLoss();
  }

  readLossSums(count: number): Promise<Float32Array> {
    return this.#plan.readLossSums(count);
  }

  dispose(): void {
    this.#plan.dispose();
  }
}
