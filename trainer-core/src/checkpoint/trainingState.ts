import { CheckpointError } from "./checkpointError.ts";

/** Beside the Hugging Face files: where in which run these parameters stand. */
export const TRAINING_STATE_FILE = "starling.json";

export interface TrainingState {
  runId: string;
  /** the last step whose results the parameters hold */
  step: number;
  epoch: number;
  /** the parameters' Merkle root, 64 lower-case hex digits (DESIGN.md section 4) */
  parameterHash: string;
  /** ISO 8601, UTC */
  created: string;
}

const FORMAT = 1;

export function trainingStateJson(state: TrainingState): Record<string, unknown> {
  const { runId, step, epoch, parameterHash, created } = state;
  return { format: FORMAT, run_id: runId, step, epoch, parameter_hash: parameterHash, created };
}

/** @throws CheckpointError "bad-format" */
export function parseTrainingState(text: string, label: string): TrainingState {
  const bad = (what: string, cause?: unknown): CheckpointError => new CheckpointError("bad-format", `${label}: ${what}`, cause);
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw bad(`not JSON (${(error as Error).message})`, error);
  }
  if (typeof json !== "object" || json === null) throw bad("must be an object");
  const check = <T>(key: string, is: (value: unknown) => boolean, rule: string): T => {
    if (!is(json[key])) throw bad(`${key} must be ${rule}, got ${JSON.stringify(json[key]) ?? "nothing"}`);
    return json[key] as T;
  };
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  check("format", (value) => value === FORMAT, `${FORMAT} (a newer Starling may have written this)`);
  return {
    runId: check("run_id", (value) => typeof value === "string" && value !== "", "a run's id"),
    step: check("step", isCount, "a count"),
    epoch: check("epoch", isCount, "a count"),
    parameterHash: check("parameter_hash", (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value), "64 hex digits"),
    created: check("created", (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)), "a date in ISO 8601"),
  };
}
