/** What compressing, sending and applying a round costs beside its training step: DisTrO over the model of `bench gpu`. */
import { DistroOptimizer } from "@starling/trainer-core/optim/distro/distroOptimizer";
import type { Device } from "@starling/trainer-core/device/device";
import type { LlamaTrainer } from "@starling/trainer-core/train/step";
import { median } from "../statistics.ts";

export interface DistroShare {
  parameters: number;
  resultsApplied: number;
  payloadBytes: number;
  /** residual, DCT, top-k, read back, wire format, Merkle root over the residual */
  encodeMs: number[];
  /** decode on the host, merge, inverse DCT, step, look-ahead */
  applyMs: number[];
  stepTokens: number;
  stepMs: number;
  /** (encode + apply) / step, medians */
  shareOfStep: number;
  /** tokens of a step at which the share were 5 % */
  tokensForFivePercent: number;
}

/** `stepMs`: a training step over `stepTokens`, measured before on the same trainer. */
export async function measureDistro(
  device: Device,
  trainer: LlamaTrainer,
  step: { stepMs: number; stepTokens: number },
  rounds: number,
): Promise<DistroShare> {
  const resultsApplied = 3;
  const distro = await DistroOptimizer.create(device, trainer.parameters, {
    pipeline: "overlapped",
    compressionDecay: 0.95,
    topk: 32,
    chunk: 64,
    oneBit: true,
    weightDecay: 0,
  });
  await distro.reserve(resultsApplied);
  let payload = new Uint8Array();
  const encodeMs: number[] = [];
  const applyMs: number[] = [];
  const timed = async (into: number[] | null, work: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await work();
    await device.idle();
    into?.push(performance.now() - startedMs);
  };
  for (let n = -1; n < rounds; n++) {
    await timed(n < 0 ? null : encodeMs, async () => ({ payload } = await distro.makeResult({ learningRate: 1e-3 })));
    const round = { applyLearningRate: 1e-3, decayLearningRate: null, lookaheadLearningRate: 1e-3 };
    await timed(n < 0 ? null : applyMs, () =>
      distro.beginRound({ ...round, results: Array.from({ length: resultsApplied }, () => payload) }),
    );
  }
  distro.dispose();
  const cost = median(encodeMs) + median(applyMs);
  return {
    parameters: trainer.parameters.elementCount,
    resultsApplied,
    payloadBytes: payload.byteLength,
    encodeMs,
    applyMs,
    ...step,
    shareOfStep: cost / step.stepMs,
    tokensForFivePercent: Math.ceil((cost / 0.05 / step.stepMs) * step.stepTokens),
  };
}
