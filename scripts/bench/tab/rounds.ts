/** The rounds of `bench tab`, the same code in the Worker and in Node: begin with the results of the last ones, train. */
import { toHex } from "@starling/sdk/bytes";
import type { Engine } from "@starling/trainer-core/round/ports";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import type { BenchRound } from "./messages.ts";

export class BenchRounds {
  readonly #engine: Engine;
  readonly #plan: RunPlan;
  readonly #clients: number;
  /** its own last results: different batches each, they stand for those of as many peers */
  #results: Uint8Array[] = [];

  constructor(engine: Engine, plan: RunPlan, clients: number) {
    this.#engine = engine;
    this.#plan = plan;
    this.#clients = clients;
  }

  /** ms from the first call to the last answer */
  async run(rounds: readonly BenchRound[]): Promise<{ ms: number; loss: number | null; parameterHash: string }> {
    const startedMs = performance.now();
    let loss: number | null = null;
    for (const { sequences, learningRate, lookaheadLearningRate } of rounds) {
      const { pipeline } = this.#plan;
      await this.#engine.beginRound({
        results: this.#results,
        applyLearningRate: this.#results.length === 0 ? null : learningRate,
        decayLearningRate: learningRate,
        pipeline,
        lookaheadLearningRate: pipeline === "overlapped" ? lookaheadLearningRate : null,
      });
      const trained = await this.#engine.train({ sequences, learningRate });
      loss = trained.loss;
      this.#results = [...this.#results, trained.payload].slice(-this.#clients);
    }
    const ms = performance.now() - startedMs;
    return { ms, loss, parameterHash: toHex(await this.#engine.parameterHash()) };
  }
}
