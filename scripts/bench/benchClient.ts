/** One client's engine, measured: rounds cut into phases with the queue drained between them, and rounds as a client runs them. */
import type { KernelProfile } from "@starling/shaders";
import { calmPolling, createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import type { Device } from "@starling/trainer-core/device/device";
import { openDevice } from "@starling/trainer-core/device/openDevice";
import type { Trained } from "@starling/trainer-core/round/ports";
import { TrainingEngine } from "@starling/trainer-core/train/engine";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { addCosts, costOf, NO_COST, type Cost } from "./cost.ts";
import { queueBusyMs } from "./queueWatch.ts";
import type { Workload } from "./workload.ts";

/** In the order in which a round runs them; docs/performance.md says what each contains. */
export const PHASES = ["apply", "forward", "head", "backward", "clip", "encode", "hash"] as const;
export type Phase = (typeof PHASES)[number];

export interface WholeRound extends Cost {
  /** wall time minus the time in which the queue had work */
  hostOnlyMs: number;
  loss: number | null;
}

export class BenchClient {
  readonly device: Device;
  /** device, pipelines, buffers, initial weights */
  readonly createMs: number;
  readonly #engine: TrainingEngine;
  readonly #workload: Workload;
  /** its own last results: different batches each, they stand for those of as many peers */
  #results: Uint8Array[] = [];
  #round = 0;

  private constructor(device: Device, engine: TrainingEngine, workload: Workload, createMs: number) {
    this.device = device;
    this.#engine = engine;
    this.#workload = workload;
    this.createMs = createMs;
  }

  /** Errors: DeviceError. */
  static async create(profile: KernelProfile | "auto", workload: Workload): Promise<BenchClient> {
    const startedMs = performance.now();
    const device = await openDevice(await createDawn(DAWN_FLAGS), { profile });
    calmPolling(device.gpu);
    const { plan, microBatchSequences } = workload;
    const engine = await TrainingEngine.create(device, plan, { microBatchSequences });
    return new BenchClient(device, engine, workload, performance.now() - startedMs);
  }

  /** Until as many results are at hand as a round applies. */
  async prepare(): Promise<void> {
    await this.#engine.startEpoch();
    while (this.#results.length < this.#workload.clients) await this.wholeRound();
  }

  /** A round, phase by phase: before and after each the queue is empty. */
  async phasedRound(): Promise<Record<Phase, Cost>> {
    const { plan, learningRate } = this.#workload;
    const { trainer, distro } = this.#engine;
    if (!(trainer instanceof LlamaTrainer)) throw new Error("phases are timed on one device alone");
    const round = this.#round++;
    const sequences = await this.#workload.batch(round);
    await this.device.idle();
    const costs = {} as Record<Phase, Cost>;
    const phase = async (name: Phase, work: () => void | Promise<unknown>) => {
      const cost = await costOf(async () => {
        await work();
        await this.device.idle();
      });
      costs[name] = addCosts(costs[name] ?? NO_COST, cost); // forward, head and backward come once a micro-batch
    };

    await phase("apply", () => this.#engine.beginRound(this.#workload.beginRound(round, this.#results)));
    const { forward, head, backward } = trainer.plan.phases;
    const targets = sequences.length * (plan.sequenceTokens - 1);
    for (const [slot, microBatch] of this.#microBatches(sequences).entries()) {
      await phase("forward", () => {
        if (slot === 0) trainer.parameters.clearGradients();
        trainer.plan.upload(microBatch.tokens, microBatch.labels, 1 / targets, slot);
        this.device.run(forward);
      });
      await phase("head", () => this.device.run(head));
      await phase("backward", () => this.device.run(backward));
    }
    await phase("clip", () => {
      if (plan.distro.clip_grad_norm !== undefined) trainer.clip(plan.distro.clip_grad_norm);
    });
    let payload = new Uint8Array();
    await phase("encode", async () => ({ payload } = await distro.makeResult({ learningRate: learningRate(round) })));
    await phase("hash", () => this.#engine.parameterHash());
    this.#keep(payload);
    return costs;
  }

  /** The two calls of a client's round, `beginRound` and `train`, with nothing between them; data are read before. */
  async wholeRound(): Promise<WholeRound> {
    const round = this.#round++;
    const sequences = await this.#workload.batch(round);
    await this.device.idle();
    let trained: Trained | null = null;
    let busyMs = 0;
    const cost = await costOf(async () => {
      busyMs = await queueBusyMs(this.device.gpu.queue, async () => {
        await this.#engine.beginRound(this.#workload.beginRound(round, this.#results));
        trained = await this.#engine.train({ sequences, learningRate: this.#workload.learningRate(round) });
      });
    });
    const { payload, loss } = trained! as Trained;
    this.#keep(payload);
    return { ...cost, hostOnlyMs: cost.wallMs - busyMs, loss };
  }

  dispose(): void {
    this.device.dispose();
  }

  #keep(payload: Uint8Array): void {
    this.#results = [...this.#results, payload].slice(-this.#workload.clients);
  }

  /** As `LlamaTrainer` cuts them: what the last one lacks is token 0 without labels. */
  #microBatches(sequences: readonly Int32Array[]): { tokens: Int32Array<ArrayBuffer>; labels: Int32Array<ArrayBuffer> }[] {
    const { microBatchSequences, plan } = this.#workload;
    return Array.from({ length: Math.ceil(sequences.length / microBatchSequences) }, (_, n) => {
      const tokens = new Int32Array(microBatchSequences * plan.sequenceTokens);
      const labels = new Int32Array(tokens.length).fill(-100);
      for (const [b, sequence] of sequences.slice(n * microBatchSequences, (n + 1) * microBatchSequences).entries()) {
        tokens.set(sequence, b * plan.sequenceTokens);
        labels.set(sequence, b * plan.sequenceTokens);
      }
      return { tokens, labels };
    });
  }
}
