/** What the chain asks of a run config beyond its own rules: commands and the page say it in the same words. */
import { issue, type Issue } from "../errors.ts";
import { serializeRunConfig, type RunConfig } from "./runConfig.ts";

const TIMES = [
  "warmup_time",
  "cooldown_time",
  "max_round_train_time",
  "round_witness_time",
  "epoch_time",
  "waiting_for_members_extra_time",
] as const;

/** `maxTomlBytes`: room of the account that holds the text (the programs' limit). Empty when the chain takes the config. */
export function chainConfigIssues(config: RunConfig, maxTomlBytes: number): Issue[] {
  const issues = TIMES.filter((key) => !Number.isInteger(config.config[key])).map((key) =>
    issue(`config.${key}`, config.config[key], "must be whole: the chain's clock has whole seconds", "s"),
  );
  const bytes = new TextEncoder().encode(serializeRunConfig(config)).length;
  if (bytes > maxTomlBytes) {
    const rule = `must be at most ${maxTomlBytes} with its model, which is what the chain holds: name the model's checkpoint instead of its whole config.json`;
    issues.push(issue("size of the config", bytes, rule, "bytes"));
  }
  return issues;
}
