/** What a client lets its engine do while the round waits for others: continue prompts, answer the questions of `--eval-tasks`. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { LlamaConfig } from "@starling/config";
import { METADATA_LIMITS } from "@starling/sdk/witnessMetadata";
import { readTextFile } from "@starling/trainer-core/checkpoint/checkpointFiles";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { idleTasks } from "@starling/trainer-core/evaluate/idleTasks";
import type { TaskResult } from "@starling/trainer-core/evaluate/task";
import { BUILTIN_PROMPTS, idleWorks, prompter, type Sample } from "@starling/trainer-core/generate/prompter";
import { textModel, textModelOf, type TextModel } from "@starling/trainer-core/generate/textModel";
import type { IdleWork } from "@starling/trainer-core/round/ports";
import { HostError } from "../errors.ts";
import { readTasks, type EvaluationOptions } from "./readTasks.ts";

export interface IdleOptions extends EvaluationOptions {
  /** a file, `builtin`, or `none` */
  prompts: string;
  promptEveryRounds: number;
  /** a tokenizer.json, or `bytes` */
  tokenizer?: string | undefined;
  checkpoint?: string | undefined;
}

export interface IdleListeners {
  onSample(sample: Sample): void;
  onTask(result: TaskResult): void;
}

const BYTE_VOCABULARY = 256;
const MOST_PROMPT_BYTES = 1 << 20;

/** Undefined: nothing to do. Errors: HostError bad-option, TokenizerError, GenerateError, EvaluateError. */
export async function openIdleWork(
  options: IdleOptions,
  { llama, sequenceTokens }: { llama: LlamaConfig; sequenceTokens: number },
  { onSample, onTask }: IdleListeners,
): Promise<IdleWork | undefined> {
  const wantsTasks = options.evalTasks !== undefined;
  if (options.prompts === "none" && !wantsTasks) return undefined;
  const prompts = readPrompts(options.prompts);
  const text = await textOf(options, llama);
  if (text === null) {
    if (options.prompts === "builtin" && !wantsTasks) return undefined; // nobody asked for anything
    throw new HostError(
      "bad-option",
      `--prompts and --eval-tasks need the tokenizer of the run's data, which neither its config nor --checkpoint tells: give --tokenizer FILE, or --tokenizer bytes`,
    );
  }
  const works: IdleWork[] = [];
  const known = knownPrompts(prompts, text, llama, options.prompts);
  if (known.length > 0) {
    const { promptEveryRounds: everyRounds } = options;
    works.push(
      prompter({ prompts: known, text, contextTokens: sequenceTokens, everyRounds, maxBytes: METADATA_LIMITS.sampleTextBytes, onSample }),
    );
  }
  const tasks = readTasks(options, text, sequenceTokens);
  if (tasks.length > 0) works.push(idleTasks(tasks, onTask));
  return works.length === 0 ? undefined : idleWorks(works);
}

function readPrompts(source: string): readonly string[] {
  if (source === "none") return [];
  if (source === "builtin") return BUILTIN_PROMPTS;
  let lines: string[];
  try {
    const bytes = readFileSync(source);
    if (bytes.length > MOST_PROMPT_BYTES) throw new Error(`it has ${bytes.length} bytes, at most ${MOST_PROMPT_BYTES} are read`);
    lines = bytes.toString("utf8").split(/\r?\n/);
  } catch (cause) {
    throw new HostError("bad-option", `--prompts ${source} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const prompts = lines.filter((line) => line.trim() !== "");
  if (prompts.length === 0) throw new HostError("bad-option", `--prompts ${source} holds no prompt: write one a line`);
  return prompts;
}

/** A tokenizer may have more tokens than the model: those prompts that need one can never be continued. */
function knownPrompts(prompts: readonly string[], { tokenizer }: TextModel, { vocabSize }: LlamaConfig, source: string): readonly string[] {
  const isKnown = (prompt: string): boolean => tokenizer.encode(prompt).every((token) => token < vocabSize);
  const known = prompts.filter(isKnown);
  if (source === "builtin" || known.length === prompts.length) return known;
  throw new HostError(
    "bad-option",
    `--prompts ${source}: the tokenizer spells ${JSON.stringify(prompts.find((prompt) => !isKnown(prompt)))} with tokens beyond the model's ${vocabSize}: use the tokenizer the model was made with, or other prompts`,
  );
}

/** Null: which text the tokens of this run stand for is not known here. */
async function textOf({ tokenizer, checkpoint }: IdleOptions, llama: LlamaConfig): Promise<TextModel | null> {
  if (tokenizer === "bytes") return textModel(llama, null);
  if (tokenizer !== undefined) {
    let json: string;
    try {
      json = readFileSync(tokenizer, "utf8");
    } catch (cause) {
      throw new HostError("bad-option", `--tokenizer ${tokenizer} cannot be read: ${(cause as Error).message}`, { cause });
    }
    return textModel(llama, json);
  }
  if (checkpoint !== undefined) {
    const files = directoryFiles(resolve(checkpoint));
    const json = await readTextFile(files, "tokenizer.json");
    if (json !== null) return textModelOf(files, llama, json);
  }
  return llama.vocabSize === BYTE_VOCABULARY ? textModel(llama, null) : null;
}
