/** The golden Llamas on several logical devices of one adapter: the same losses, gradients and AdamW steps as on one. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import type { Device } from "@starling/trainer-core/device/device";
import { ParallelError } from "@starling/trainer-core/parallel/errors";
import type { Parallelism } from "@starling/trainer-core/parallel/parallelism";
import { ParallelTrainer } from "@starling/trainer-core/parallel/parallelTrainer";
import { assertDivisible } from "@starling/trainer-core/parallel/shards";
import { goldenLlama, type MakeTrainer } from "./llama.ts";
import type { GoldenResult } from "./result.ts";

/** A case as it was run, or why the model cannot be split at all. */
export type ParallelCase = { as: Parallelism; results: GoldenResult[] } | { refusal: string };

/** `devices`: as many as the case needs are made. Null for a folder without a model to train. */
export async function goldenParallel(
  folder: string,
  devices: (count: number) => Promise<readonly Device[]>,
  wanted: Parallelism,
): Promise<ParallelCase | null> {
  if (!existsSync(join(folder, "io.safetensors"))) return null;
  const config = parseLlamaConfig(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
  const tensor = nearestSplit(config, wanted.tensor);
  if (typeof tensor === "string") return { refusal: tensor };
  const as = { data: wanted.data, tensor };
  const made = await devices(as.data * as.tensor);
  const make: MakeTrainer = (model, shape) => {
    // every group is to have a micro-batch where there are sequences enough
    const microBatchSequences = Math.ceil(shape.microBatchSequences / as.data);
    return ParallelTrainer.create(made, model, { ...shape, microBatchSequences }, as);
  };
  return { as, results: await goldenLlama(folder, made[0], make) };
}

/** `wanted`, or the nearest number above 1 of devices that the model can be split over; the refusal where there is none. */
function nearestSplit(config: LlamaConfig, wanted: number): number | string {
  if (wanted === 1) return 1;
  let refusal = "";
  for (const count of [
    wanted,
    ...Array.from({ length: config.numHeads }, (_, n) => n + 2).sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted)),
  ]) {
    try {
      assertDivisible(config, count);
      return count;
    } catch (error) {
      if (!(error instanceof ParallelError)) throw error;
      refusal ||= error.message;
    }
  }
  return refusal;
}
