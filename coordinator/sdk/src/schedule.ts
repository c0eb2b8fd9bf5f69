/** Learning-rate schedules: coordinator/crates/schedule, run as wasm, so that every client computes the same bits. */
import { MachineError } from "./machineError.ts";
import { machineModule } from "./machineModule.ts";

interface Warmup {
  base_lr: number;
  warmup_init_lr: number;
  warmup_steps: number;
}

/** The `lr_schedule` of a run's config, with its names. */
export type LearningRateSchedule =
  | ({ kind: "Constant" } & Warmup)
  | ({ kind: "Linear" | "Cosine"; final_lr: number; total_steps: number } & Warmup)
  | ({
      kind: "WarmupStableDecay";
      cosine_decay_final_lr: number;
      linear_decay_final_lr: number;
      stable_steps: number;
      cosine_decay_steps: number;
      linear_decay_steps: number;
    } & Warmup);

/** A ramp from 0 to 1 over `steps` steps from `startStep` on, on top of the schedule. */
export interface ColdStart {
  startStep: number;
  steps: number;
}

const KINDS = ["Constant", "Linear", "Cosine", "WarmupStableDecay"] as const;

/**
 * The learning rate of `step` as the nearest f32. Throws a `MachineError` (`NotARate`, `TotalWithinWarmup`, `DecayRises`,
 * `UnknownKind`, `BadArgument`) for a schedule that makes no sense.
 */
export function learningRate(schedule: LearningRateSchedule, step: number, coldStart: ColdStart | null = null): number {
  const decay = schedule.kind === "Linear" || schedule.kind === "Cosine" ? schedule : null;
  const stable = schedule.kind === "WarmupStableDecay" ? schedule : null;
  const rate = machineModule().call.learning_rate(
    KINDS.indexOf(schedule.kind),
    schedule.base_lr,
    schedule.warmup_init_lr,
    decay?.final_lr ?? stable?.cosine_decay_final_lr ?? 0,
    stable?.linear_decay_final_lr ?? 0,
    steps(schedule.warmup_steps, "warmup_steps"),
    steps(decay?.total_steps ?? 0, "total_steps"),
    steps(stable?.stable_steps ?? 0, "stable_steps"),
    steps(stable?.cosine_decay_steps ?? 0, "cosine_decay_steps"),
    steps(stable?.linear_decay_steps ?? 0, "linear_decay_steps"),
    steps(step, "step"),
    steps(coldStart?.startStep ?? 0, "coldStart.startStep"),
    steps(coldStart?.steps ?? 0, "coldStart.steps"),
  );
  if (rate < 0) throw MachineError.fromNumber(-rate, "lr_schedule");
  return rate;
}

function steps(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new MachineError("BadArgument", `${what}: expected an integer from 0 to 2^32 - 1, got ${value}`);
  }
  return value;
}
