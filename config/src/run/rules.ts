/** Rules of a run config that no single key can say. */
import { ConfigError, issue, type Issue } from "../errors.ts";
import { parseLlamaConfig } from "../llamaConfig.ts";
import type { RunConfig } from "./runConfig.ts";
import { variantOf } from "./schema.ts";

/** Every rule that the values of a well-shaped config break together; empty when the run can start. */
export function validateRunConfig(config: RunConfig): Issue[] {
  return [...knobIssues(config), ...modelIssues(config), ...scheduleIssues(config), ...optimizerIssues(config)];
}

function knobIssues({ config, model }: RunConfig): Issue[] {
  const issues: Issue[] = [];
  const add = (key: keyof typeof config, rule: string, unit: string): void => {
    issues.push(issue(`config.${key}`, config[key], rule, unit));
  };
  const { epoch_time, min_clients, global_batch_size_start } = config;
  if (config.warmup_time >= epoch_time) add("warmup_time", `must be less than epoch_time = ${epoch_time}`, "s");
  if (config.max_round_train_time >= epoch_time) add("max_round_train_time", `must be less than epoch_time = ${epoch_time}`, "s");
  if (config.init_min_clients < min_clients) add("init_min_clients", `must be at least min_clients = ${min_clients}`, "clients");
  if (config.witness_nodes > min_clients) add("witness_nodes", `must be at most min_clients = ${min_clients}`, "clients");
  if (config.global_batch_size_end < global_batch_size_start) {
    add("global_batch_size_end", `must be at least global_batch_size_start = ${global_batch_size_start}`, "sequences");
  }
  // the learning rate of a cold start has to be back up before the epoch can end
  const coldSteps = model.LLM.cold_start_warmup_steps;
  // in milliseconds, where the machine counts too: (1 - 0.4) / 0.2 is less than 3 in binary
  const ms = (seconds: number): number => Math.round(seconds * 1000);
  const steps = Math.floor(Math.max(0, ms(epoch_time) - ms(config.warmup_time)) / ms(config.max_round_train_time));
  if (coldSteps > steps) {
    const rule = `must be at most (epoch_time - warmup_time) / max_round_train_time = ${steps}`;
    issues.push(issue("model.LLM.cold_start_warmup_steps", coldSteps, rule, "steps"));
  }
  return issues;
}

function modelIssues({ model: { LLM } }: RunConfig): Issue[] {
  const issues: Issue[] = [];
  if (LLM.architecture !== "HfLlama") {
    issues.push(issue("model.LLM.architecture", LLM.architecture, "must be HfLlama: Starling trains the Llama family only"));
  }
  const data = variantOf(LLM.data_location);
  if (data.kind === "Weighted" && new Set(data.value.providers.map(({ weight }) => weight === undefined)).size > 1) {
    const rule = "must have a weight on every one of them, or on none (then by length)";
    issues.push(issue("model.LLM.data_location.Weighted.providers", undefined, rule));
  }
  const checkpoint = variantOf(LLM.checkpoint);
  if (checkpoint.kind === "Ephemeral") {
    issues.push(issue("model.LLM.checkpoint", "Ephemeral", "must say where the model comes from: Random, Dummy, Hub, P2P, Gcs or P2PGcs"));
  }
  if (checkpoint.kind === "Random" && typeof checkpoint.value.config !== "string") {
    const key = "model.LLM.checkpoint.Random.config";
    try {
      const llama = parseLlamaConfig(checkpoint.value.config);
      if (LLM.max_seq_len > llama.maxPositionEmbeddings) {
        const rule = `must be at most the model's max_position_embeddings = ${llama.maxPositionEmbeddings}`;
        issues.push(issue("model.LLM.max_seq_len", LLM.max_seq_len, rule, "tokens"));
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      issues.push(...error.issues.map((inner) => issue(`${key}.${inner.key}`, inner.value, inner.rule, inner.unit)));
    }
  }
  return issues;
}

function scheduleIssues({ model: { LLM } }: RunConfig): Issue[] {
  const issues: Issue[] = [];
  const { kind, value } = variantOf(LLM.lr_schedule);
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

function optimizerIssues({ model: { LLM } }: RunConfig): Issue[] {
  const { kind, value } = variantOf(LLM.optimizer);
  if (kind === "Dummy") return [issue("model.LLM.optimizer", "Dummy", "must be Distro or AdamW: Dummy trains nothing")];
  if (kind !== "Distro" || value.compression_topk <= value.compression_chunk ** 2) return [];
  const rule = `must be at most compression_chunk squared = ${value.compression_chunk ** 2}`;
  return [issue("model.LLM.optimizer.Distro.compression_topk", value.compression_topk, rule, "coefficients a tile")];
}
