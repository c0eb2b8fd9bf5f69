/** The list's filters, search and orders. Pure. */
import type { RunSummary } from "./protocol.ts";

export const RUN_FILTERS = ["active", "all", "completed", "paused"] as const;
export type RunFilter = (typeof RUN_FILTERS)[number];

export const RUN_ORDERS = ["activity", "name", "newest", "progress", "clients"] as const;
export type RunOrder = (typeof RUN_ORDERS)[number];

export function isActive({ runState }: Pick<RunSummary, "runState">): boolean {
  switch (runState) {
    case "WaitingForMembers":
    case "Warmup":
    case "RoundTrain":
    case "RoundWitness":
    case "Cooldown":
      return true;
    case "Uninitialized":
    case "Finished":
    case "Paused":
      return false;
    default:
      return runState satisfies never;
  }
}

function passes(run: RunSummary, filter: RunFilter): boolean {
  switch (filter) {
    case "active":
      return isActive(run);
    case "all":
      return true;
    case "completed":
      return run.runState === "Finished";
    case "paused":
      // made and never started: it does not train either, and its creator can change that
      return run.runState === "Paused" || run.runState === "Uninitialized";
    default:
      return filter satisfies never;
  }
}

/** Progress of the whole run, 0 to 1. */
export function progressOf({ runState, step, totalSteps }: Pick<RunSummary, "runState" | "step" | "totalSteps">): number {
  if (runState === "Finished") return 1;
  if (totalSteps === 0) return 0;
  return Math.min(1, Math.max(0, step - 1) / totalSteps);
}

function byName(a: RunSummary, b: RunSummary): number {
  return a.name.localeCompare(b.name) || a.key.source.localeCompare(b.key.source);
}

const COMPARE: Record<RunOrder, (a: RunSummary, b: RunSummary) => number> = {
  activity: (a, b) => Number(isActive(b)) - Number(isActive(a)) || b.live - a.live || byName(a, b),
  name: byName,
  newest: (a, b) => (b.createdMs ?? 0) - (a.createdMs ?? 0) || byName(a, b),
  progress: (a, b) => progressOf(b) - progressOf(a) || byName(a, b),
  clients: (a, b) => b.live + b.waiting - (a.live + a.waiting) || byName(a, b),
};

/** Every word must occur in name, id, description or source. */
export function selectRuns(runs: readonly RunSummary[], filter: RunFilter, order: RunOrder, search: string): RunSummary[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return runs
    .filter((run) => {
      if (!passes(run, filter)) return false;
      const text = `${run.name} ${run.key.runId} ${run.description} ${run.key.source}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort(COMPARE[order]);
}

export function countByFilter(runs: readonly RunSummary[]): Record<RunFilter, number> {
  const count = (filter: RunFilter): number => runs.filter((run) => passes(run, filter)).length;
  return { active: count("active"), all: count("all"), completed: count("completed"), paused: count("paused") };
}
