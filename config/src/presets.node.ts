/** Finds and loads run configs on disk, the presets that ship with this package among them. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, issue } from "./errors.ts";
import { suggestion } from "./nearest.ts";
import { parseRunConfig, readRunConfig, serializeRunConfig, type DataLocation, type RunConfig } from "./run/runConfig.ts";
import { MAX_RUN_ID_BYTES } from "./run/runSchema.ts";
import { variantOf, type JsonObject } from "./run/schema.ts";

const PRESETS = fileURLToPath(new URL("../runs", import.meta.url));
const CONFIG_NAMES = ["config.toml", "state.toml"] as const;

/** Names that `--config-path` takes in place of a path, sorted. */
export function presetNames(): string[] {
  return readdirSync(PRESETS)
    .filter((name) => isFile(join(PRESETS, name, "config.toml")))
    .sort();
}

/**
 * The absolute path of the config file meant by `pathOrName`: a file, a folder that holds `config.toml` or `state.toml`
 * (in that order), or a preset's name. A path wins over a preset of the same name. Links are followed, so that relative paths
 * in the file mean the same from wherever it is named. Throws `ConfigError` (`not-found`).
 */
export function resolveConfigPath(pathOrName: string, cwd: string): string {
  const path = resolve(cwd, pathOrName);
  if (isFile(path)) return realpathSync(path);
  for (const name of CONFIG_NAMES) {
    if (isFile(join(path, name))) return realpathSync(join(path, name));
  }
  const names = presetNames();
  if (names.includes(pathOrName)) return join(PRESETS, pathOrName, "config.toml");
  const found = exists(path) ? `that folder holds no ${CONFIG_NAMES.join(" or ")}` : `nothing is at ${path}`;
  const rule = `must be a config file, a folder that holds one, or a preset (${names.join(", ")}); ${found}`;
  throw new ConfigError("not-found", "No run config found:", [issue("--config-path", pathOrName, rule + suggestion(pathOrName, names))]);
}

export interface LoadedRun {
  /** absolute */
  configPath: string;
  /** the config's `run_id`, else the name of its folder */
  runId: string;
  /** the folder against which a relative data path of the config resolves: the config file's; `--data-dir` for clients */
  dataDirectory: string;
  /** self-contained: `run_id` set, the model's config.json inlined; data paths stay as written, since clients may be elsewhere */
  config: RunConfig;
  /** the same as TOML text: what a coordinator hands to its clients */
  toml: string;
}

/**
 * Loads, checks and completes a run config. Throws `ConfigError`: `not-found`, `toml`, or `run-config` with every problem.
 */
export function loadRunConfig(pathOrName: string, cwd: string): LoadedRun {
  const configPath = resolveConfigPath(pathOrName, cwd);
  const dataDirectory = dirname(configPath);
  const parsed = parseRunConfig(readText(configPath), { source: configPath });
  const { LLM } = parsed.model;
  const runId = parsed.run_id ?? folderRunId(dataDirectory);
  const checkpoint = variantOf(LLM.checkpoint);
  const completed = {
    ...parsed,
    run_id: runId,
    model: {
      LLM: {
        ...LLM,
        checkpoint:
          checkpoint.kind === "Random" && typeof checkpoint.value.config === "string"
            ? { Random: { ...checkpoint.value, config: readJson(resolve(dataDirectory, checkpoint.value.config)) } }
            : LLM.checkpoint,
      },
    },
  };
  // again, because a config.json that was inlined has not been checked yet
  const { config, issues } = readRunConfig(completed);
  if (config === null || issues.length > 0) throw new ConfigError("run-config", `${configPath} cannot be used:`, issues);
  return { configPath, runId, dataDirectory, config, toml: serializeRunConfig(config) };
}

/** A run's data location with its folders made absolute, below `dataDirectory`. */
export function resolveDataLocation(config: RunConfig, dataDirectory: string): DataLocation {
  const location = config.model.LLM.data_location;
  const folder = <L extends DataLocation>(one: L): L => {
    const { kind, value } = variantOf<DataLocation>(one);
    return kind === "Local" || kind === "Preprocessed" ? ({ [kind]: resolve(dataDirectory, value) } as unknown as L) : one;
  };
  if (typeof location === "string" || !("Weighted" in location)) return folder(location);
  const providers = location.Weighted.providers.map(({ location: inner, ...rest }) => ({ ...rest, location: folder(inner) }));
  return { Weighted: { providers } };
}

/** The absolute folder of a run's local data, or null when its data is elsewhere. */
export function localDataDirectory(config: RunConfig, dataDirectory: string): string | null {
  const data = variantOf(config.model.LLM.data_location);
  return data.kind === "Local" ? resolve(dataDirectory, data.value) : null;
}

/** The text kept apart from training: the folder `heldout` beside the run's local data, or null when there is none. */
export function heldOutDirectory(config: RunConfig, dataDirectory: string): string | null {
  const local = localDataDirectory(config, dataDirectory);
  const heldOut = local === null ? null : join(dirname(local), "heldout");
  return heldOut !== null && isDirectory(heldOut) ? heldOut : null;
}

function folderRunId(directory: string): string {
  const name = basename(directory).replace(/[^A-Za-z0-9._-]/g, "-");
  return name === "" ? "run" : name.slice(0, MAX_RUN_ID_BYTES);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("not-found", `${path} cannot be read: ${(cause as Error).message}`, [], cause);
  }
}

function readJson(path: string): JsonObject {
  const text = readText(path);
  try {
    return JSON.parse(text) as JsonObject;
  } catch (cause) {
    throw new ConfigError("model-config", `${path} is not valid JSON: ${(cause as Error).message}`, [], cause);
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
