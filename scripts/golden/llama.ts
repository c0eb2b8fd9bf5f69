/** Golden case `llama/CASE`: logits, losses, gradients and five AdamW steps of a small Llama, against double precision. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { bytesReader, type CheckpointFiles } from "@starling/trainer-core/checkpoint/checkpointFiles";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readParameters } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { readSafetensors } from "@starling/trainer-core/checkpoint/safetensors";
import type { Device } from "@starling/trainer-core/device/device";
import type { MicroBatchShape } from "@starling/trainer-core/model/llamaPlan";
import type { ParameterMap } from "@starling/trainer-core/model/parameters";
import { inverseFrequencies } from "@starling/trainer-core/model/rope";
import { AdamW } from "@starling/trainer-core/optim/adamW";
import type { ParallelTrainer } from "@starling/trainer-core/parallel/parallelTrainer";
import type { GradientTrainer } from "@starling/trainer-core/train/gradientTrainer";
import { LlamaTrainer } from "@starling/trainer-core/train/step";
import { generatedDifference } from "./generate.ts";
import type { GoldenResult } from "./result.ts";
import { llamaTolerances, type LlamaTolerances } from "./tolerances.ts";

/** Parts that a case's folder may lack: io.safetensors' tensors beside tokens and labels, grads, and all of AdamW's. */
interface Meta {
  loss_step0?: number;
  adamw?: {
    lr: number;
    beta1: number;
    beta2: number;
    eps: number;
    weight_decay: number;
    max_grad_norm: number | null;
    steps: { loss: number; grad_norm_before_clip: number }[];
    step1_l2?: Record<string, number>;
  };
}

const FREQUENCY_TOLERANCE = 1e-6;

type Numbers = ArrayLike<number>;

/** Makes a trainer of the devices that a case is run on. */
export type MakeTrainer = (config: LlamaConfig, shape: MicroBatchShape) => Promise<LlamaTrainer | ParallelTrainer>;

/**
 * `folder` is one case, or `CASE_formats` with other encodings of the weights of `CASE` beside it. `make`: of several devices, whose
 * logits and losses of single targets are in no one place and are not looked at; left out: of `device` alone.
 */
export async function goldenLlama(
  folder: string,
  device: Device,
  make: MakeTrainer = (config, shape) => LlamaTrainer.create(device, config, shape),
): Promise<GoldenResult[]> {
  if (!existsSync(join(folder, "io.safetensors"))) return formats(folder);
  const config = parseLlamaConfig(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
  const meta = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8")) as Meta;
  const io = await load(folder, "io.safetensors");
  const [steps, sequences, tokens] = tensor(io, "tokens").shape;
  const rowsOf = (name: string, step: number): Int32Array[] => {
    const data = Int32Array.from(tensor(io, name).data);
    return Array.from({ length: sequences }, (_, b) => data.slice((step * sequences + b) * tokens, (step * sequences + b + 1) * tokens));
  };
  const tolerances = llamaTolerances(device.profile);
  const weights = await readParameters(directoryFiles(folder), config);
  const labels = io.has("labels") ? "labels" : "tokens";
  const grads = existsSync(join(folder, "grads.safetensors")) ? await load(folder, "grads.safetensors") : null;
  const results: GoldenResult[] = [];
  const check = (name: string, difference: number, tolerance: number) =>
    results.push({ name, ok: difference <= tolerance, detail: `difference ${difference.toExponential(2)} (tolerance ${tolerance})` });

  const frequencies = io.get("inv_freq");
  if (frequencies) check("inv_freq", relativeDifference(inverseFrequencies(config), frequencies.data), FREQUENCY_TOLERANCE);
  const trainer = await make(config, { microBatchSequences: sequences, sequenceTokens: tokens });
  const whole = trainer instanceof LlamaTrainer ? trainer : null;
  try {
    trainer.load(weights);
    const logits = whole && io.get("logits");
    if (logits) check("logits", largestDifference(await whole!.logits(rowsOf("tokens", 0)), logits.data), tolerances.logits);
    if (logits) {
      const difference = await generatedDifference(device, config, weights, rowsOf("tokens", 0)[0], logits.data);
      check("logits of generation", difference, tolerances.logits);
    }
    const { loss } = await trainer.computeGradients(rowsOf("tokens", 0), rowsOf(labels, 0));
    if (meta.loss_step0 !== undefined) check("loss", Math.abs(loss - meta.loss_step0), tolerances.meanLoss);
    const losses = whole && io.get("losses");
    if (losses) {
      const perPosition = await whole.plan.readPositionLosses();
      const perTarget = perPosition.filter((_, m) => (m + 1) % tokens !== 0); // the last position predicts nothing
      check("losses", largestDifference(perTarget, losses.data), tolerances.targetLoss);
    }
    if (grads) {
      check("grads", await gradientDifference(trainer, grads), tolerances.gradients);
      if (sequences > 1) {
        const batch = [rowsOf("tokens", 0), rowsOf(labels, 0)] as const;
        check("grads in micro-batches", await microBatched(make, config, weights, batch, grads), tolerances.gradients);
      }
    }
    if (meta.adamw)
      await adamW(trainer, folder, meta.adamw, steps, (step) => [rowsOf("tokens", step), rowsOf(labels, step)], check, tolerances);
    if (results.length === 0)
      results.push({ name: "case", ok: false, detail: "nothing to compare: neither logits, loss, losses, grads nor adamw" });
  } finally {
    await trainer.dispose();
  }
  return results;
}

type Batch = readonly [sequences: Int32Array[], labels: Int32Array[]];
type Check = (name: string, difference: number, tolerance: number) => void;

/** The same gradients when the batch is cut into micro-batches of two sequences, the last one partly empty. */
async function microBatched(
  make: MakeTrainer,
  config: LlamaConfig,
  weights: ParameterMap,
  [sequences, labels]: Batch,
  grads: Map<string, Loaded>,
): Promise<number> {
  const microBatchSequences = sequences.length > 2 ? 2 : 1;
  const trainer = await make(config, { microBatchSequences, sequenceTokens: sequences[0].length });
  try {
    trainer.load(weights);
    await trainer.computeGradients(sequences, labels);
    return await gradientDifference(trainer, grads);
  } finally {
    await trainer.dispose();
  }
}

async function adamW(
  trainer: GradientTrainer,
  folder: string,
  adamw: NonNullable<Meta["adamw"]>,
  steps: number,
  batchOf: (step: number) => Batch,
  check: Check,
  tolerances: LlamaTolerances,
): Promise<void> {
  const settings = { learningRate: adamw.lr, beta1: adamw.beta1, beta2: adamw.beta2, epsilon: adamw.eps, weightDecay: adamw.weight_decay };
  const optimizer = await AdamW.create(trainer.device, trainer.parameters);
  const within = 2 * adamw.lr * steps;
  let lossDifference = 0;
  let normDifference = 0;
  for (let step = 0; step < steps; step++) {
    const { loss } = await trainer.computeGradients(...batchOf(step));
    trainer.clip(adamw.max_grad_norm ?? 0);
    const expected = adamw.steps[step];
    lossDifference = Math.max(lossDifference, Math.abs(loss - expected.loss));
    normDifference = Math.max(normDifference, Math.abs((await trainer.readGradientNorm()) / expected.grad_norm_before_clip - 1));
    optimizer.step(settings);
    if (step === 0) {
      if (existsSync(join(folder, "adamw_step1_head.safetensors"))) {
        const heads = await parameterDifferences(trainer, await load(folder, "adamw_step1_head.safetensors"));
        check("adamw step 1, 99.9th percentile", percentile(heads, 0.999), tolerances.parametersP999(adamw.lr, 1));
      }
      let l2 = 0;
      for (const [name, norm] of Object.entries(adamw.step1_l2 ?? {})) {
        const values = await trainer.parameters.read("master", name);
        l2 = Math.max(l2, Math.abs(Math.sqrt(values.reduce((sum, v) => sum + v * v, 0)) / norm - 1));
      }
      if (adamw.step1_l2) check("adamw step 1, norms", l2, tolerances.norms);
    }
  }
  optimizer.dispose();
  check("adamw losses", lossDifference, tolerances.meanLoss);
  check("adamw gradient norms", normDifference, tolerances.norms);
  if (!existsSync(join(folder, "adamw_step5.safetensors"))) return;
  const differences = await parameterDifferences(trainer, await load(folder, "adamw_step5.safetensors"));
  check("adamw step 5, 99.9th percentile", percentile(differences, 0.999), tolerances.parametersP999(adamw.lr, steps));
  check("adamw step 5, largest", differences.at(-1)!, within);
}

/** Sharded files give the same bits as one file; half-precision files the weights rounded to their format. */
async function formats(folder: string): Promise<GoldenResult[]> {
  const original = folder.replace(/_formats$/, "");
  if (original === folder || !existsSync(join(original, "config.json"))) {
    return [{ name: "case", ok: false, detail: `${folder} has no io.safetensors and is no CASE_formats beside its CASE` }];
  }
  const config = parseLlamaConfig(JSON.parse(readFileSync(join(original, "config.json"), "utf8")));
  const expected = await readParameters(directoryFiles(original), config);
  const results: GoldenResult[] = [];
  // [relative, absolute] bound: rounding to nearest is off by at most half a unit in the last place
  const cases: [string, string, CheckpointFiles, number, number][] = [
    ["sharded", "sharded", directoryFiles(join(folder, "sharded")), 0, 0],
  ];
  cases.push(["bf16", "model_bf16.safetensors", oneFile(folder, "model_bf16.safetensors"), 2 ** -8, 2 ** -134]);
  cases.push(["f16", "model_f16.safetensors", oneFile(folder, "model_f16.safetensors"), 2 ** -11, 2 ** -25]);
  for (const [name, path, files, relative, absolute] of cases) {
    if (!existsSync(join(folder, path))) continue;
    const actual = await readParameters(files, config);
    let beyond = 0;
    let compared = 0;
    for (const [tensor, { data }] of expected) {
      const values = actual.get(tensor)!.data;
      for (let i = 0; i < data.length; i++, compared++) {
        if (!(Math.abs(values[i] - data[i]) <= Math.max(relative * Math.abs(data[i]), absolute))) beyond++;
      }
    }
    results.push({
      name,
      ok: beyond === 0 && compared > 0,
      detail: `${beyond} of ${compared} values further than half a unit in the last place`,
    });
  }
  return results;
}

/** A checkpoint of one weights file under another name. */
function oneFile(folder: string, name: string): CheckpointFiles {
  const files = directoryFiles(folder);
  return {
    location: join(folder, name),
    open: (wanted) => files.open(wanted === "model.safetensors" ? name : join(dirname(name), wanted)),
  };
}

export interface Loaded {
  shape: readonly number[];
  data: Numbers;
}

export async function load(folder: string, name: string): Promise<Map<string, Loaded>> {
  const tensors = await readSafetensors(bytesReader(new Uint8Array(readFileSync(join(folder, name)))), name);
  return new Map([...tensors].map(([key, { shape, data }]) => [key, { shape, data: data as Numbers }]));
}

export function tensor(tensors: Map<string, Loaded>, name: string): Loaded {
  const found = tensors.get(name);
  if (!found) throw new Error(`the golden data have no tensor ${name}`);
  return found;
}

/** Infinite when the lengths differ or a value is not a number. */
export function largestDifference(actual: Numbers, expected: Numbers): number {
  let largest = actual.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}

function relativeDifference(actual: Numbers, expected: Numbers): number {
  return largestDifference(
    Array.from(actual, (v, i) => v / expected[i]),
    Array.from(expected, () => 1),
  );
}

/** Over all tensors: the largest difference as a share of the tensor's largest value. */
async function gradientDifference(trainer: GradientTrainer, expected: Map<string, Loaded>): Promise<number> {
  let worst = 0;
  for (const { name } of trainer.parameters.parameters) {
    const { data } = tensor(expected, name);
    let largest = 0;
    for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i]));
    const difference = largestDifference(await trainer.parameters.read("grad", name), data);
    worst = Math.max(worst, difference === 0 ? 0 : difference / largest);
  }
  return worst;
}

/** Absolute differences of the master copy from `expected` (a tensor's first values suffice), rising. */
async function parameterDifferences(trainer: GradientTrainer, expected: Map<string, Loaded>): Promise<Float64Array> {
  const differences: number[] = [];
  for (const { name } of trainer.parameters.parameters) {
    const actual = await trainer.parameters.read("master", name);
    const { data } = tensor(expected, name);
    for (let i = 0; i < data.length; i++) differences.push(Math.abs(actual[i] - data[i]));
  }
  return Float64Array.from(differences).sort();
}

const percentile = (rising: Float64Array, share: number): number =>
  rising[Math.min(rising.length - 1, Math.ceil(rising.length * share) - 1)];
