/** A training step of `bench gpu`: gradient over the batch, clip, AdamW; tokens a second and what share of the adapter's peak it is. */
import type { KernelProfile } from "@starling/shaders";
import type { Device } from "@starling/trainer-core/device/device";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { choosePrecision, STORAGES_OF, type Precision } from "@starling/trainer-core/train/precision";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { ADAM, batchTokens, stepFlops } from "../peers/contestant.ts";
import { median } from "../statistics.ts";
import type { GpuSize, Peak } from "./sizes.ts";

export interface Throughput {
  profile: KernelProfile;
  precision: Precision;
  microBatchSequences: number;
  createMs: number;
  /** ms of each measured step */
  stepMs: number[];
  tokensPerSecond: number;
  tflopsPerSecond: number;
  /** of the peak that the profile's products could reach: f16 on matrix units, f32 elsewhere; null without a peak */
  shareOfPeak: number | null;
  peakTflops: number | null;
  deviceBytes: number;
  /** nats a token, of the first and the last step */
  loss: { first: number; last: number };
}

export interface TrainerOf {
  trainer: LlamaTrainer;
  precision: Precision;
  createMs: number;
}

export async function makeTrainer(
  device: Device,
  size: GpuSize,
  microBatchSequences: number,
  wanted: Precision | "auto",
  weights = true,
): Promise<TrainerOf> {
  const startedMs = performance.now();
  const { precision } = choosePrecision(wanted, device, size.config);
  const { sequenceTokens, config } = size;
  const trainer = await LlamaTrainer.create(device, config, { microBatchSequences, sequenceTokens, storages: STORAGES_OF[precision] });
  if (weights) trainer.load(initialWeights(config, 1337));
  await trainer.prepareAdamW();
  await device.idle();
  return { trainer, precision, createMs: performance.now() - startedMs };
}

/** Sequences of step `n`. */
export function stepSequences(size: GpuSize, n: number): Int32Array[] {
  const tokens = batchTokens({ ...size, why: "" }, n);
  return Array.from({ length: size.sequences }, (_, s) => tokens.subarray(s * size.sequenceTokens, (s + 1) * size.sequenceTokens));
}

export async function trainStep(trainer: LlamaTrainer, sequences: readonly Int32Array[]): Promise<number> {
  const { loss } = await trainer.computeGradients(sequences);
  trainer.clip(1);
  await trainer.adamWStep({ ...ADAM, weightDecay: 0.1 });
  return loss;
}

export async function measureThroughput(
  device: Device,
  size: GpuSize,
  { trainer, precision, createMs }: TrainerOf,
  steps: number,
  peak: Peak | null,
): Promise<Throughput> {
  const batches = Array.from({ length: 4 }, (_, n) => stepSequences(size, n));
  const losses: number[] = [];
  const stepMs: number[] = [];
  for (let n = -2; n < steps; n++) {
    const startedMs = performance.now();
    losses.push(await trainStep(trainer, batches[(n + 4) % batches.length]));
    await device.idle();
    if (n >= 0) stepMs.push(performance.now() - startedMs);
  }
  const seconds = median(stepMs) / 1000;
  const tflopsPerSecond = stepFlops({ ...size, why: "" }) / seconds / 1e12;
  const peakTflops = peak === null ? null : device.profile === "tensor" ? peak.f16 : peak.f32;
  return {
    profile: device.profile,
    precision,
    microBatchSequences: trainer.microBatchSequences,
    createMs,
    stepMs,
    tokensPerSecond: (size.sequences * size.sequenceTokens) / seconds,
    tflopsPerSecond,
    shareOfPeak: peakTflops === null ? null : tflopsPerSecond / peakTflops,
    peakTflops,
    deviceBytes: device.memory.bytes,
    loss: { first: losses[0], last: losses.at(-1)! },
  };
}

/** TFLOP/s of one large product through our own kernel: what a share is of where no data sheet is known. */
export async function measuredProduct(device: Device, side: number): Promise<number> {
  const { DispatchListBuilder } = await import("@starling/trainer-core/model/dispatchList");
  const list = new DispatchListBuilder(device, new Map());
  const buffers = ["a", "b", "c"].map((name) => device.buffer(`product ${name}`, side * side * 4));
  list.matmul("forward", "overwrite", [side, side, side], buffers[0], buffers[1], buffers[2]);
  const dispatches = await list.build();
  const times: number[] = [];
  for (let n = 0; n < 6; n++) {
    const startedMs = performance.now();
    device.run(dispatches);
    await device.idle();
    if (n > 0) times.push(performance.now() - startedMs);
  }
  for (const buffer of buffers) buffer.destroy();
  return (2 * side ** 3) / (median(times) / 1000) / 1e12;
}
