import { parse as parseToml, stringify, TomlError } from "smol-toml";
import { ConfigError, issue, type Issue } from "../errors.ts";
import { validateDraft, validateRunConfig } from "./rules.ts";
import { runSchema } from "./runSchema.ts";
import { isTable, readSpec, toTomlValue, type Infer, type JsonObject } from "./schema.ts";

/** A checked run config: names, nesting and enum shapes are those of the TOML file, defaults are filled in. */
export interface RunConfig extends Infer<typeof runSchema> {}
export type RunKnobs = RunConfig["config"];
export type LlmConfig = RunConfig["model"]["LLM"];
export type CheckpointLocation = LlmConfig["checkpoint"];
export type DataLocation = LlmConfig["data_location"];
export type HttpData = Extract<DataLocation, { Http: unknown }>["Http"];
export type LrSchedule = LlmConfig["lr_schedule"];
export type OptimizerConfig = LlmConfig["optimizer"];
export type DistroConfig = Extract<OptimizerConfig, { Distro: unknown }>["Distro"];
export type AdamWConfig = Extract<OptimizerConfig, { AdamW: unknown }>["AdamW"];

const MAX_TOML_CHARACTERS = 1 << 20;

export interface ParseSource {
  /** where the text came from, for the error's headline: a path, `the coordinator`, `the form` */
  source: string;
}

/**
 * Parses and checks a run config. Reads the `config.toml` and the `state.toml` of the existing system as well as ours.
 * Throws one `ConfigError` (`toml` or `run-config`) that lists every problem.
 */
export function parseRunConfig(toml: string, { source }: ParseSource): RunConfig {
  const { config, issues } = readRunConfig(readTomlDocument(toml, { source }));
  if (config === null || issues.length > 0) {
    const count = issues.length === 1 ? "a problem" : `${issues.length} problems`;
    throw new ConfigError("run-config", `${source} has ${count}:`, issues);
  }
  return config;
}

/** Checks a document that is already an object. `config` is null when its shape is wrong. */
export function readRunConfig(document: JsonObject): { config: RunConfig | null; issues: Issue[] } {
  const issues: Issue[] = [];
  const config = readSpec(runSchema, withEpochTime(document), "", issues) as RunConfig;
  if (issues.length > 0) return { config: null, issues };
  return { config, issues: validateRunConfig(config) };
}

/**
 * The same for a form that is being filled in: rules between the values that are there are looked at before the rest is, so that
 * an impossible combination is named at once. A document without issues here has none in `readRunConfig`, and the other way round.
 */
export function readRunDraft(document: JsonObject): { config: RunConfig | null; issues: Issue[] } {
  const issues: Issue[] = [];
  const config = readSpec(runSchema, withEpochTime(document), "", issues) as RunConfig;
  return { config: issues.length > 0 ? null : config, issues: [...issues, ...validateDraft(config)] };
}

/** TOML text that parses to an equal config; the existing system reads it too where it uses only that system's keys. */
export function serializeRunConfig(config: RunConfig): string {
  return stringify(toTomlValue(runSchema, config), { numbersAsFloat: true });
}

/** The document as it is written, not checked beyond its syntax. Throws `ConfigError` (`toml`). */
export function readTomlDocument(toml: string, { source }: ParseSource): JsonObject {
  if (toml.length > MAX_TOML_CHARACTERS) {
    const problem = issue("file length", toml.length, `must be at most ${MAX_TOML_CHARACTERS}`, "characters");
    throw new ConfigError("toml", `${source} is too long for a run config:`, [problem]);
  }
  try {
    return withoutNegativeZeros(parseToml(toml, { unsafeKeyBehaviour: "throw", maxDepth: 32 }));
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    throw new ConfigError("toml", `${source} is not valid TOML: ${cause.message.trim()}`, [], cause);
  }
}

/** -0 means 0 for every key, and TOML's writer does not keep it: replicas that read a copy would hold other bits. */
function withoutNegativeZeros<T>(value: T): T {
  if (Object.is(value, -0)) return 0 as T;
  if (Array.isArray(value)) return value.map(withoutNegativeZeros) as T;
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutNegativeZeros(inner)])) as T;
}

/**
 * Older files count epochs in rounds and have no `epoch_time`. For them it is the longest that the rounds can take, the two
 * that drain included, so that the count alone decides.
 */
function withEpochTime(document: JsonObject): JsonObject {
  const config = document["config"];
  if (!isTable(config) || config["epoch_time"] !== undefined) return document;
  const rounds = config["rounds_per_epoch"];
  if (typeof rounds !== "number" || rounds <= 0) return document;
  const time = (key: string): number => (typeof config[key] === "number" ? config[key] : 0);
  const epochSeconds = time("warmup_time") + (rounds + 2) * (time("max_round_train_time") + time("round_witness_time"));
  return { ...document, config: { ...config, epoch_time: Math.round(epochSeconds * 1000) / 1000 } };
}
