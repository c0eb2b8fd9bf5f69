/** The losses of a lone client's first steps, as a run's engine trains: DisTrO with the run's settings and its learning rates. */
import { learningRate } from "@starling/sdk/schedule";
import type { Device } from "@starling/trainer-core/device/device";
import { TrainingEngine } from "@starling/trainer-core/train/engine";
import type { Precision } from "@starling/trainer-core/train/precision";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";

export interface Training {
  plan: RunPlan;
  precision: Precision;
  steps: number;
  /** of the initial weights; the batches are the caller's */
  seed: number;
  batch(step: number): Promise<readonly Int32Array[]>;
}

/** One loss a step, nats a token. Errors: TrainError (unsupported, not-finite), DeviceError. */
export async function trainLosses(device: Device, { plan, precision, steps, seed, batch }: Training): Promise<number[]> {
  const microBatchSequences = (await batch(0)).length;
  const seeded = { ...plan, start: { kind: "random", seed } as const };
  const engine = await TrainingEngine.create(device, seeded, { microBatchSequences, precision });
  const rate = (step: number) => learningRate(plan.schedule, step);
  // a result is applied as late as in a run: two rounds after its own when rounds overlap
  const delay = plan.pipeline === "overlapped" ? 2 : 1;
  const results: Uint8Array[] = [];
  const losses: number[] = [];
  try {
    await engine.startEpoch();
    for (let step = 0; step < steps; step++) {
      const due = results.at(-delay);
      const applied = due !== undefined && results.length >= delay ? [due] : [];
      await engine.beginRound({
        results: applied,
        applyLearningRate: applied.length > 0 ? rate(step) : null,
        decayLearningRate: rate(step),
        pipeline: plan.pipeline,
        lookaheadLearningRate: plan.pipeline === "overlapped" && step > 0 ? rate(step - 1) : null,
      });
      const { loss, payload } = await engine.train({ sequences: await batch(step), learningRate: rate(step) });
      results.push(payload);
      losses.push(loss!);
    }
    return losses;
  } finally {
    await engine.dispose();
  }
}

export function meanOfLast(values: readonly number[], count: number): number {
  const last = values.slice(-count);
  return last.reduce((sum, value) => sum + value, 0) / last.length;
}
