/** What `bench gpu` proves beside its times: the golden cases, and that narrow storage trains as f32 does. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "@starling/trainer-core/device/device";
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { PRECISIONS, STORAGES_OF, type Precision } from "@starling/trainer-core/train/precision";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { goldenDistro } from "../../golden/distro.ts";
import { goldenLlama } from "../../golden/llama.ts";
import type { GoldenResult } from "../../golden/result.ts";
import { ADAM, batchTokens, PEER_SIZES } from "../peers/contestant.ts";

export interface GoldenSummary {
  profile: string;
  passed: number;
  failed: number;
  failures: string[];
}

/** The cases of kernels and of DisTrO under `root`. */
export async function runGolden(root: string, device: Device): Promise<GoldenSummary> {
  const results: GoldenResult[] = [];
  const attempt = async (name: string, run: () => Promise<GoldenResult[]>) => {
    try {
      results.push(...(await run()).map((r) => ({ ...r, name: `${name}/${r.name}` })));
    } catch (error) {
      results.push({ name, ok: false, detail: (error as Error).message });
    }
  };
  const llama = join(root, "llama");
  for (const name of existsSync(llama) ? readdirSync(llama).sort() : []) {
    await attempt(`llama/${name}`, () => goldenLlama(join(llama, name), device));
  }
  const distro = join(root, "distro");
  if (existsSync(distro)) await attempt("distro", () => goldenDistro(distro, device));
  const failures = results.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
  return { profile: device.profile, passed: results.length - failures.length, failed: failures.length, failures };
}

export interface PrecisionCheck {
  steps: number;
  seeds: number;
  /** mean of the last 50 losses, nats, by seed; null where the adapter has no such storage */
  meanLoss: Record<Precision, number[] | null>;
  /** from f32's mean over seeds */
  apart: Record<Precision, number | null>;
}

/** Trains nano's model in every precision the adapter has, several seeds; narrow storage should end within 0.05 nats of f32. */
export async function checkPrecisions(device: Device, steps: number, seeds: number): Promise<PrecisionCheck> {
  const [size] = PEER_SIZES;
  const { config, sequences, sequenceTokens } = size;
  const meanLoss = {} as PrecisionCheck["meanLoss"];
  for (const precision of PRECISIONS) {
    if (precision === "f16" && !device.features.shaderF16) {
      meanLoss[precision] = null;
      continue;
    }
    const storages = STORAGES_OF[precision];
    const means: number[] = [];
    for (let seed = 0; seed < seeds; seed++) {
      const trainer = await LlamaTrainer.create(device, config, { microBatchSequences: sequences, sequenceTokens, storages });
      trainer.load(initialWeights(config, seed));
      const losses: number[] = [];
      for (let n = 0; n < steps; n++) {
        const tokens = batchTokens(size, seed * steps + n);
        const rows = Array.from({ length: sequences }, (_, s) => tokens.subarray(s * sequenceTokens, (s + 1) * sequenceTokens));
        losses.push((await trainer.computeGradients(rows)).loss);
        trainer.clip(1);
        await trainer.adamWStep({ ...ADAM, learningRate: 3e-3, weightDecay: 0 });
      }
      const last = losses.slice(-50);
      means.push(last.reduce((sum, loss) => sum + loss, 0) / last.length);
      await trainer.dispose();
    }
    meanLoss[precision] = means;
  }
  const mean = (values: number[] | null) => (values === null ? null : values.reduce((sum, v) => sum + v, 0) / values.length);
  const base = mean(meanLoss.f32)!;
  const apart = Object.fromEntries(
    PRECISIONS.map((p) => {
      const own = mean(meanLoss[p]);
      return [p, own === null ? null : own - base];
    }),
  ) as PrecisionCheck["apart"];
  return { steps, seeds, meanLoss, apart };
}
