/** Tasks asked in an engine's idle time: a question here, a question there, over as many rounds as it takes; then again. */
import type { IdleWork } from "../round/ports.ts";
import type { Task, TaskResult } from "./task.ts";

/** Before this share of the questions is asked, chance says more than the model. */
const REPORTED_SHARE = 0.5;
/** Until the engine's kernels are there. */
const PREPARING_MS = 200;

/** `onResult`: after half of a pass, and after all of it. Parameters move on meanwhile: a result is of all the steps that it took. */
export function idleTasks(tasks: readonly Task[], onResult: (result: TaskResult) => void): IdleWork {
  let current = 0;
  /** the step in which a task's last pass ended: the next one begins later, on other parameters */
  const endedStep = new Map<Task, number>();
  return {
    async piece(infer, step) {
      const task = tasks[current];
      if (task === undefined || endedStep.get(task) === step) return null;
      const answer = await infer(task.request!);
      switch (answer.kind) {
        case "preparing":
          return PREPARING_MS;
        case "more":
          return 0;
        case "score": {
          if (!task.take(answer.logProbability)) return 0;
          const { asked, total } = task.result;
          if (asked === Math.ceil(total * REPORTED_SHARE) || asked === total) onResult(task.result);
          if (asked === total) {
            task.restart();
            endedStep.set(task, step);
            current = (current + 1) % tasks.length;
          }
          return 0;
        }
        case "next":
          throw new Error("asked for a score, the engine answered with a token");
        default:
          return answer satisfies never;
      }
    },
  };
}
