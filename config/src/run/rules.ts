/** Rules of a run config that no single key can say. */
import { ConfigError, issue, type Issue } from "../errors.ts";
import { parseLlamaConfig } from "../llamaConfig.ts";
import type { RunConfig } from "./runConfig.ts";
import { variantOf } from "./schema.ts";

/** A config as it is read so far: what is missing or wrong in itself is not there. */
type Draft<T> = T extends readonly (infer I)[]
  ? readonly (Draft<I> | undefined)[]
  : T extends object
    ? { [K in keyof T]?: Draft<T[K]> }
    : T;
type DraftLlm = Draft<RunConfig["model"]["LLM"]>;

/** Every rule that the values of a well-shaped config break together; empty when the run can start. */
export function validateRunConfig(config: RunConfig): Issue[] {
  return validateDraft(config);
}

/** The same of a config that is not whole: a rule is looked at once the values it speaks of are there. */
export function validateDraft(draft: Draft<RunConfig>): Issue[] {
  const { config = {}, model: { LLM = {} } = {} } = draft;
  return [...knobIssues(config, LLM), ...modelIssues(LLM), ...scheduleIssues(LLM), ...optimizerIssues(LLM)];
}

// a comparison with undefined is false, and so breaks no rule
function knobIssues(config: Draft<RunConfig["config"]>, LLM: DraftLlm): Issue[] {
  const issues: Issue[] = [];
  const add = (key: keyof typeof config, rule: string, unit: string): void => {
    issues.push(issue(`config.${key}`, config[key], rule, unit));
  };
  const { epoch_time, min_clients, global_batch_size_start } = config as RunConfig["config"];
  if (config.warmup_time! >= epoch_time) add("warmup_time", `must be less than epoch_time = ${epoch_time}`, "s");
  if (config.max_round_train_time! >= epoch_time) add("max_round_train_time", `must be less than epoch_time = ${epoch_time}`, "s");
  if (config.init_min_clients! < min_clients) add("init_min_clients", `must be at least min_clients = ${min_clients}`, "clients");
  if (config.witness_nodes! > min_clients) add("witness_nodes", `must be at most min_clients = ${min_clients}`, "clients");
  if (config.global_batch_size_end! < global_batch_size_start) {
    add("global_batch_size_end", `must be at least global_batch_size_start = ${global_batch_size_start}`, "sequences");
  }
  // the learning rate of a cold start has to be back up before the epoch can end
  const coldSteps = LLM.cold_start_warmup_steps;
  // in milliseconds, where the machine counts too: (1 - 0.4) / 0.2 is less than 3 in binary
  const ms = (seconds: number | undefined): number => Math.round(seconds! * 1000);
  const steps = Math.floor(Math.max(0, ms(epoch_time) - ms(config.warmup_time)) / ms(config.max_round_train_time));
  if (coldSteps! > steps) {
    const rule = `must be at most (epoch_time - warmup_time) / max_round_train_time = ${steps}`;
    issues.push(issue("model.LLM.cold_start_warmup_steps", coldSteps, rule, "steps"));
  }
  return issues;
}

function modelIssues({ architecture, data_location, checkpoint: start, max_seq_len }: DraftLlm): Issue[] {
  const issues: Issue[] = [];
  if (architecture !== undefined && architecture !== "HfLlama") {
    issues.push(issue("model.LLM.architecture", architecture, "must be HfLlama: Starling trains the Llama family only"));
  }
  const data = data_location && variantOf(data_location);
  if (data?.kind === "Weighted" && new Set((data.value?.providers ?? []).map((one) => one?.weight === undefined)).size > 1) {
    const rule = "must have a weight on every one of them, or on none (then by length)";
    issues.push(issue("model.LLM.data_location.Weighted.providers", undefined, rule));
  }
  const checkpoint = start && variantOf(start);
  if (checkpoint?.kind === "Ephemeral") {
    issues.push(issue("model.LLM.checkpoint", "Ephemeral", "must say where the model comes from: Random, Dummy, Hub, P2P, Gcs or P2PGcs"));
  }
  if (checkpoint?.kind === "Random" && typeof checkpoint.value?.config === "object") {
    const key = "model.LLM.checkpoint.Random.config";
    try {
      const llama = parseLlamaConfig(checkpoint.value.config);
      if (max_seq_len! > llama.maxPositionEmbeddings) {
        const rule = `must be at most the model's max_position_embeddings = ${llama.maxPositionEmbeddings}`;
        issues.push(issue("model.LLM.max_seq_len", max_seq_len, rule, "tokens"));
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      issues.push(...error.issues.map((inner) => issue(`${key}.${inner.key}`, inner.value, inner.rule, inner.unit)));
    }
  }
  return issues;
}

function scheduleIssues({ lr_schedule }: DraftLlm): Issue[] {
  const issues: Issue[] = [];
  if (lr_schedule === undefined) return issues;
  const { kind, value } = variantOf(lr_schedule as RunConfig["model"]["LLM"]["lr_schedule"]);
  const key = `model.LLM.lr_schedule.${kind}`;
  if ((kind === "Linear" || kind === "Cosine") && value.total_steps <= value.warmup_steps) {
    const rule = `must be more than warmup_steps = ${value.warmup_steps}`;
    issues.push(issue(`${key}.total_steps`, value.total_steps, rule, "steps"));
  }
  if (kind === "WarmupStableDecay") {
    const { base_lr, cosine_decay_final_lr, linear_decay_final_lr } = value;
    if (cosine_decay_final_lr > base_lr) {
      issues.push(issue(`${key}.cosine_decay_final_lr`, cosine_decay_final_lr, `must be at most base_lr = ${base_lr}`, "learning rate"));
    }
    if (linear_decay_final_lr > cosine_decay_final_lr) {
      const rule = `must be at most cosine_decay_final_lr = ${cosine_decay_final_lr}`;
      issues.push(issue(`${key}.linear_decay_final_lr`, linear_decay_final_lr, rule, "learning rate"));
    }
  }
  return issues;
}

function optimizerIssues({ optimizer }: DraftLlm): Issue[] {
  if (optimizer === undefined) return [];
  const { kind, value } = variantOf(optimizer as RunConfig["model"]["LLM"]["optimizer"]);
  if (kind === "Dummy") return [issue("model.LLM.optimizer", "Dummy", "must be Distro or AdamW: Dummy trains nothing")];
  if (kind !== "Distro" || !(value.compression_topk > value.compression_chunk ** 2)) return [];
  const rule = `must be at most compression_chunk squared = ${value.compression_chunk ** 2}`;
  return [issue("model.LLM.optimizer.Distro.compression_topk", value.compression_topk, rule, "coefficients a tile")];
}
