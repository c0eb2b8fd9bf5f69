/** `starling evaluate`: asks a checkpoint's model multiple-choice questions. */
import type { OptionsOf, evaluateOptions } from "@starling/config";
import { evaluateTasks } from "@starling/trainer-core/evaluate/evaluateTasks";
import type { TaskResult } from "@starling/trainer-core/evaluate/task";
import { Generator } from "@starling/trainer-core/generate/generator";
import { Inference } from "@starling/trainer-core/generate/inference";
import { print } from "../chain/print.ts";
import { EXIT_CODES } from "../errors.ts";
import { openModel } from "../inference/openModel.ts";
import { readTasks } from "../inference/readTasks.ts";
import { listenForStop } from "../platform/parent.ts";

/** Longer texts are cut at their beginning: the cache of a model with 131,072 positions would fill any adapter. */
const MOST_CONTEXT_TOKENS = 4096;
const TOLD_EVERY_MS = 2_000;

export async function evaluate(options: OptionsOf<typeof evaluateOptions>): Promise<number> {
  const { signal } = listenForStop();
  await using model = await openModel(options, signal);
  const contextTokens = Math.min(model.config.maxPositionEmbeddings, MOST_CONTEXT_TOKENS);
  const tasks = readTasks(options, model.text, contextTokens);
  const generator = await Generator.create(model.device, model.config, { weight: model.weight, contextTokens });
  const startedMs = performance.now();
  let toldMs = startedMs;
  const onQuestion = (result: TaskResult): void => {
    if (performance.now() - toldMs < TOLD_EVERY_MS) return;
    toldMs = performance.now();
    process.stderr.write(`${sentenceOf(result)}\n`);
  };
  try {
    const results = await evaluateTasks(new Inference(generator), tasks, { signal, onQuestion });
    const seconds = (performance.now() - startedMs) / 1_000;
    const isComplete = results.length === tasks.length && results.every(({ asked, total }) => asked === total);
    print(options.json, { complete: isComplete, seconds, fewshot: options.evalFewshot, tasks: results }, results.map(sentenceOf));
    return isComplete ? EXIT_CODES.ok : EXIT_CODES.failed;
  } finally {
    generator.dispose();
  }
}

function sentenceOf({ name, asked, total, acc, accNorm }: TaskResult): string {
  // the standard error of a share
  const error = Math.sqrt((accNorm * (1 - accNorm)) / Math.max(1, asked - 1));
  return `${name}: acc ${acc.toFixed(4)}, acc_norm ${accNorm.toFixed(4)} ± ${error.toFixed(4)} (${asked} of ${total} questions)`;
}
