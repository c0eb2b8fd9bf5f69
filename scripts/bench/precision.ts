/**
 * `bench precision`: what training in halves costs in loss. The same runs in f32 and in halves, from the same weights on the same
 * batches; fails when the mean of the last losses is further from f32's than the limit. Tensor cores round what they multiply to halves
 * whatever is stored, so that f32 is then trained without them, and on them besides.
 */
import { loadavg } from "node:os";
import { defineOptions, type OptionsOf } from "@starling/config";
import { chooseAdapter, type DeviceChoice } from "@starling/node-host/platform/adapter";
import { calmPolling, createDawn, DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import { adapterName } from "@starling/trainer-core/device/features";
import type { Device } from "@starling/trainer-core/device/device";
import { openDevice } from "@starling/trainer-core/device/openDevice";
import type { KernelProfile } from "@starling/shaders";
import { choosePrecision, PRECISIONS, type Precision } from "@starling/trainer-core/train/precision";
import { meanOfLast, trainLosses } from "./precision/trainLosses.ts";
import { benchTrainOptions } from "./train.ts";
import { loadWorkload } from "./workload.ts";

const { configPath, profile, device, json } = benchTrainOptions.specs;

export const benchPrecisionOptions = defineOptions({
  configPath,
  precision: {
    type: "choice",
    choices: ["f16", "packed-f16"],
    optional: true,
    env: null,
    doc: "Halves to compare with f32; left out = all that the adapter has.",
  },
  steps: { type: "integer", unit: "steps", min: 1, max: 100_000, default: 120, env: null, doc: "Steps of a run." },
  last: {
    type: "integer",
    unit: "steps",
    min: 1,
    max: 100_000,
    default: 50,
    env: null,
    doc: "Steps at the end whose losses are averaged.",
  },
  seeds: {
    type: "integer",
    unit: "runs",
    min: 1,
    max: 1000,
    default: 3,
    env: null,
    doc: "Runs of each precision: initial weights and batches differ.",
  },
  limit: {
    type: "number",
    unit: "nats",
    above: 0,
    max: 10,
    default: 0.05,
    env: null,
    doc: "Largest difference from f32, of the mean over the seeds.",
  },
  profile: { ...profile, doc: "Kernels to train with. Left out: the adapter's own." },
  device,
  json,
});

interface Compared {
  precision: Precision;
  profile: string;
  /** mean of the last losses, a seed */
  means: number[];
  mean: number;
  /** from f32: of each seed, and of the mean over them */
  differences: number[];
  difference: number;
  isWithin: boolean;
}

export interface PrecisionReport {
  bench: "precision";
  adapter: string;
  node: string;
  loadAverage: { start: number; end: number };
  run: string;
  steps: number;
  last: number;
  limit: number;
  compared: Compared[];
  /** precisions that this adapter does not have, and why */
  skipped: Record<string, string>;
  isWithin: boolean;
}

/** Trains and prints; false when a precision is beyond the limit. Errors: ConfigError, DeviceError, TrainError. */
export async function benchPrecision(options: OptionsOf<typeof benchPrecisionOptions>): Promise<boolean> {
  const start = loadavg()[0];
  const { plan, batchSequences, runId, batch } = loadWorkload(options.configPath, 1, 1);
  console.log((await chooseAdapter(options.device as DeviceChoice)).sentence);
  const open = async (profile: KernelProfile | "auto"): Promise<Device> => {
    const opened = await openDevice(await createDawn(DAWN_FLAGS), { profile });
    calmPolling(opened.gpu);
    return opened;
  };
  const device = await open((options.profile ?? "auto") as KernelProfile | "auto");
  const plain = device.profile === "tensor" ? await open("gpu") : device;
  const adapter = adapterName(device.adapter);
  const { steps, last, seeds, limit } = options;
  console.log(
    `precision  ${runId}: ${steps} steps of ${batchSequences} x ${plan.sequenceTokens} tokens, mean of the last ${last}; ${seeds} seeds`,
  );
  console.log(`adapter    ${adapter}, ${device.profile} kernels`);
  const skipped: Record<string, string> = {};
  const compared: Compared[] = [];
  try {
    const rounding = PRECISIONS.filter((each) => options.precision === undefined || each === options.precision || each === "f32");
    const runs = rounding.map((precision) => ({ precision, on: device }));
    for (const { precision, on } of plain === device ? runs : [{ precision: "f32", on: plain } as const, ...runs]) {
      try {
        choosePrecision(precision, on, plan.llama);
      } catch (error) {
        skipped[precision] = (error as Error).message;
        console.log(`${precision.padEnd(10)} SKIPPED: ${skipped[precision]}`);
        continue;
      }
      const means: number[] = [];
      for (let seed = 1; seed <= seeds; seed++) {
        const training = { plan, precision, steps, seed, batch: (step: number) => batch((seed - 1) * steps + step) };
        means.push(meanOfLast(await trainLosses(on, training), last));
      }
      const mean = meanOfLast(means, seeds);
      const [base] = compared;
      const differences = means.map((value, n) => value - (base?.means[n] ?? value));
      const difference = mean - (base?.mean ?? mean);
      compared.push({ precision, profile: on.profile, means, mean, differences, difference, isWithin: Math.abs(difference) <= limit });
      console.log(line(compared[compared.length - 1]));
    }
  } finally {
    device.dispose();
    plain.dispose();
  }
  const isWithin = compared.every((each) => each.isWithin);
  console.log(isWithin ? `all within ${limit} nats of f32` : `FAILED: more than ${limit} nats from f32`);
  if (options.json) {
    const report: PrecisionReport = {
      ...{ bench: "precision", adapter, node: process.version },
      ...{ loadAverage: { start, end: loadavg()[0] }, run: runId, steps, last, limit, compared, skipped, isWithin },
    };
    console.log(JSON.stringify(report));
  }
  return isWithin;
}

function line({ precision, profile, means, mean, differences, difference, isWithin }: Compared): string {
  const each = means.map((value, n) => `${value.toFixed(4)} (${signed(differences[n])})`).join("  ");
  return `${`${precision}, ${profile}`.padEnd(18)} mean ${mean.toFixed(4)}  from f32 ${signed(difference)}${isWithin ? "" : "  TOO FAR"}   seeds ${each}`;
}

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(4)}`;
