/** The questions of `--eval-tasks`, from this machine's files. */
import { readFileSync, statSync } from "node:fs";
import type { TextModel } from "@starling/trainer-core/generate/textModel";
import { parseQuestions } from "@starling/trainer-core/evaluate/questions";
import { Task } from "@starling/trainer-core/evaluate/task";
import { HostError } from "../errors.ts";

export interface EvaluationOptions {
  /** NAME=FILE.jsonl */
  evalTasks?: readonly string[] | undefined;
  evalFewshot: number;
  evalTaskMaxDocs?: number | undefined;
}

const MOST_BYTES = 256 * 2 ** 20;

/** Errors: HostError bad-option, EvaluateError. */
export function readTasks(
  { evalTasks = [], evalFewshot, evalTaskMaxDocs }: EvaluationOptions,
  text: TextModel,
  contextTokens: number,
): Task[] {
  return evalTasks.map((entry) => {
    const equals = entry.indexOf("=");
    const [name, path] = [entry.slice(0, equals), entry.slice(equals + 1)];
    let lines: string;
    try {
      const { size } = statSync(path);
      if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, at most ${MOST_BYTES} are read`);
      lines = readFileSync(path, "utf8");
    } catch (cause) {
      throw new HostError("bad-option", `--eval-tasks ${entry}: ${path} cannot be read: ${(cause as Error).message}`, { cause });
    }
    const questions = parseQuestions(lines, path);
    return new Task({ name, questions, text, contextTokens, fewshot: evalFewshot, maxDocs: evalTaskMaxDocs });
  });
}
