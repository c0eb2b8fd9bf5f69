/** All questions of tasks at once, on an engine that has nothing else to do. */
import type { Inference } from "../generate/inference.ts";
import type { Task, TaskResult } from "./task.ts";

/** `onQuestion`: after each. Ends early, with what was asked so far, when `signal` says so. Errors: GenerateError, TokenizerError. */
export async function evaluateTasks(
  inference: Inference,
  tasks: readonly Task[],
  { signal, onQuestion }: { signal?: AbortSignal; onQuestion?(result: TaskResult): void } = {},
): Promise<TaskResult[]> {
  for (const task of tasks) {
    for (let request = task.request; request !== null; request = task.request) {
      if (signal?.aborted) break;
      const answer = await inference.answer(request);
      if (answer.kind === "score" && task.take(answer.logProbability)) onQuestion?.(task.result);
    }
  }
  return tasks.filter((task) => task.result.asked > 0).map((task) => task.result);
}
