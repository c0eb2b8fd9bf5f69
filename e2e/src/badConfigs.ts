/** Run configs of which each breaks one rule, made from the `test` preset. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./processes.ts";

export const GOOD_CONFIG = readFileSync(join(REPOSITORY, "config/runs/test/config.toml"), "utf8");

function set(key: string, value: string): string {
  const line = new RegExp(`^${key} = .*$`, "m");
  if (!line.test(GOOD_CONFIG)) throw new Error(`config/runs/test has no ${key}`);
  return GOOD_CONFIG.replace(line, `${key} = ${value}`);
}

/** Replaces everything from the table's header to the next header that is not a part of it. */
function table(name: string, text: string): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of GOOD_CONFIG.split("\n")) {
    if (line.startsWith("[")) inside = line === `[${name}]` || line.startsWith(`[${name}.`);
    if (!inside) kept.push(line);
  }
  return `${kept.join("\n")}\n${text}\n`;
}

const LLM = "model.LLM";
const wsd = (more: string): string =>
  table(
    `${LLM}.lr_schedule`,
    `[${LLM}.lr_schedule.WarmupStableDecay]\nbase_lr = 1e-3\nwarmup_init_lr = 0.0\nwarmup_steps = 1\nstable_steps = 1\ncosine_decay_steps = 1\nlinear_decay_steps = 1\n${more}`,
  );
const source = (folder: string, more: string): string =>
  `[[${LLM}.data_location.Weighted.providers]]\n${more}[${LLM}.data_location.Weighted.providers.location]\nLocal = "${folder}"\n`;

/** Key that the error must name, words of its rule, and the config. */
export const BROKEN_RULES: readonly [key: string, rule: string, toml: string][] = [
  ["config.warmup_time", "must be less than epoch_time", set("warmup_time", "240")],
  ["config.max_round_train_time", "must be less than epoch_time", set("max_round_train_time", "240")],
  ["config.init_min_clients", "must be at least min_clients", set("init_min_clients", "1")],
  ["config.witness_nodes", "must be at most min_clients", set("witness_nodes", "3")],
  ["config.global_batch_size_end", "must be at least global_batch_size_start", set("global_batch_size_end", "5")],
  [
    "model.LLM.cold_start_warmup_steps",
    "must be at most (epoch_time - warmup_time) / max_round_train_time",
    GOOD_CONFIG.replace("max_seq_len = 16", "max_seq_len = 16\ncold_start_warmup_steps = 12"),
  ],
  ["model.LLM.architecture", "must be HfLlama: Starling trains the Llama family only", set("architecture", '"HfDeepseek"')],
  [
    "model.LLM.data_location.Weighted.providers",
    "must have a weight on every one of them, or on none",
    table(`${LLM}.data_location`, source("a", "weight = 1.0\n") + source("b", "")),
  ],
  [
    "model.LLM.checkpoint",
    "must say where the model comes from",
    table(`${LLM}.checkpoint`, "").replace("max_seq_len = 16", 'max_seq_len = 16\ncheckpoint = "Ephemeral"'),
  ],
  ["model.LLM.max_seq_len", "must be at most the model's max_position_embeddings", set("max_seq_len", "32")],
  ["model.LLM.checkpoint.Random.config.num_key_value_heads", "must divide num_attention_heads", set("num_key_value_heads", "3")],
  [
    "model.LLM.lr_schedule.Cosine.total_steps",
    "must be more than warmup_steps",
    table(
      `${LLM}.lr_schedule`,
      `[${LLM}.lr_schedule.Cosine]\nbase_lr = 1e-3\nwarmup_init_lr = 0.0\nwarmup_steps = 9\ntotal_steps = 9\nfinal_lr = 0.0`,
    ),
  ],
  [
    "model.LLM.lr_schedule.WarmupStableDecay.cosine_decay_final_lr",
    "must be at most base_lr",
    wsd("cosine_decay_final_lr = 2e-3\nlinear_decay_final_lr = 0.0"),
  ],
  [
    "model.LLM.lr_schedule.WarmupStableDecay.linear_decay_final_lr",
    "must be at most cosine_decay_final_lr",
    wsd("cosine_decay_final_lr = 1e-4\nlinear_decay_final_lr = 2e-4"),
  ],
  [
    "model.LLM.optimizer",
    "must be Distro or AdamW: Dummy trains nothing",
    table(`${LLM}.optimizer`, "").replace("max_seq_len = 16", 'max_seq_len = 16\noptimizer = "Dummy"'),
  ],
  ["model.LLM.optimizer.Distro.compression_topk", "must be at most compression_chunk squared", set("compression_topk", "1025")],
  // what single keys say, too: type, range, name
  ["config.warmup_time", "must be", set("warmup_time", '"20 s"')],
  ["config.min_clients", "must be", set("min_clients", "0")],
  ["config.global_batch_size_start", "must be", set("global_batch_size_start", "65536")],
  ["config.warmup_tme", 'did you mean "warmup_time"', GOOD_CONFIG.replace("total_steps", "warmup_tme = 20\ntotal_steps")],
  ["config.epoch_time", "is required", GOOD_CONFIG.replace(/^epoch_time.*$/m, "").replace(/^rounds_per_epoch.*$/m, "")],
];
