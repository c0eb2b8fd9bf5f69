/** What the run takes of this computer, from its configuration. */
import { parseRunConfig } from "@starling/config";
import { memoryEstimate } from "@starling/trainer-core/train/memoryEstimate";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { useMemo } from "react";
import type { RunNeed } from "./adapter.ts";

export interface Need extends RunNeed {
  modelBytes: number;
  parameters: number;
  resultBytes: number;
}

export type NeedState = { kind: "unknown" } | { kind: "known"; need: Need } | { kind: "refused"; text: string };

/** One sequence at a time, as a tab begins: the least that does. */
export const MICRO_BATCH_SEQUENCES = 1;

/** `toml`: null while it is not known. */
export function useNeed(toml: string | null): NeedState {
  return useMemo(() => (toml === null || toml === "" ? { kind: "unknown" } : needOf(toml)), [toml]);
}

export function needOf(toml: string): NeedState {
  try {
    const config = parseRunConfig(toml, { source: "the run's configuration" });
    const plan = runPlan(config);
    const parameters = plan.layouts.reduce((sum, { elements }) => sum + elements, 0);
    const batches = Math.max(config.config.init_min_clients, 2);
    const need = {
      ...memoryEstimate(plan, MICRO_BATCH_SEQUENCES, batches),
      modelBytes: 4 * parameters,
      parameters,
      resultBytes: plan.payloadBytes,
    };
    return { kind: "known", need };
  } catch (error) {
    return { kind: "refused", text: (error as Error).message };
  }
}
