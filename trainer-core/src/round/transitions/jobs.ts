/** Engine jobs that failed: tried again after a pause. */
import type { Draft } from "../draft.ts";
import type { AttemptId, EngineJob } from "../effects.ts";

export function jobRetry(kind: EngineJob["kind"]): AttemptId {
  return { step: null, key: `job/${kind}` };
}

export function pauseJob(draft: Draft, kind: EngineJob["kind"]): void {
  draft.began(jobRetry(kind));
  draft.ended(jobRetry(kind));
}

/** How often a job of that kind has failed in this epoch. */
export function failuresOf(draft: Draft, kind: EngineJob["kind"]): number {
  return draft.attempt(jobRetry(kind))?.tries ?? 0;
}
