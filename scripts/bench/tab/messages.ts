/** What `bench tab` and its Worker say to each other. */
import type { RunConfig } from "@starling/config";

/** One round as the round client asks for it, without its results. */
export interface BenchRound {
  sequences: Int32Array[];
  learningRate: number;
  lookaheadLearningRate: number;
}

export type ToBenchWorker =
  | {
      type: "create";
      runConfig: RunConfig;
      profile: "software" | "gpu";
      microBatchSequences: number;
      portionMs: number | null;
      clients: number;
    }
  | { type: "run"; rounds: BenchRound[] };

export type FromBenchWorker =
  | { type: "created"; adapter: string; createMs: number; longestDispatch: { label: string; ms: number }; microBatchSequences: number }
  | { type: "ran"; ms: number; loss: number | null; parameterHash: string; longestPortionMs: number }
  | { type: "failed"; message: string };
