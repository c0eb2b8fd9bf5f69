import { parseLlamaConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { canonicalizeInPlace, llamaParameters, LM_HEAD_NAME, type ParameterMap } from "../model/parameters.ts";
import { CheckpointError } from "./checkpointError.ts";
import { readJsonFile, readTextFile, type CheckpointFiles } from "./checkpointFiles.ts";
import { openTensors } from "./tensorIndex.ts";
import { parseTrainingState, TRAINING_STATE_FILE, type TrainingState } from "./trainingState.ts";

export interface LoadedCheckpoint {
  config: LlamaConfig;
  parameters: ParameterMap;
  /** null when the checkpoint was not written by Starling */
  state: TrainingState | null;
  /** the text of tokenizer.json, or null */
  tokenizerJson: string | null;
}

/** Reads a Hugging Face checkpoint of a Llama, ours or another's. */
export async function readCheckpoint(files: CheckpointFiles, signal?: AbortSignal): Promise<LoadedCheckpoint> {
  const json = await readJsonFile(files, "config.json");
  let config: LlamaConfig;
  try {
    config = parseLlamaConfig(json);
  } catch (error) {
    throw new CheckpointError("wrong-model", `${files.location}/config.json: ${(error as Error).message}`, error);
  }
  const stateText = await readTextFile(files, TRAINING_STATE_FILE);
  return {
    config,
    state: stateText === null ? null : parseTrainingState(stateText, `${files.location}/${TRAINING_STATE_FILE}`),
    parameters: await readParameters(files, config, signal),
    tokenizerJson: await readTextFile(files, "tokenizer.json"),
  };
}

/** At most this many names in a message; a checkpoint of another model lacks hundreds. */
const MAX_NAMES_SHOWN = 5;

/**
 * The parameters of a model from single or sharded safetensors, F32, F16 or BF16, in canonical order and form (`canonicalizeInPlace`).
 * An output projection beside tied embeddings is tolerated and left out.
 *
 * @throws CheckpointError "wrong-model" that lists what is missing, extra or of another shape; "missing-file"; "bad-format"
 */
export async function readParameters(files: CheckpointFiles, config: LlamaConfig, signal?: AbortSignal): Promise<ParameterMap> {
  const index = await openTensors(files);
  const specs = llamaParameters(config);
  const expected = new Set(specs.map(({ name }) => name));
  const missing = specs.filter(({ name }) => !index.entries.has(name)).map(({ name }) => name);
  const extra = [...index.entries.keys()].filter(
    (name) => !expected.has(name) && !(name === LM_HEAD_NAME && config.tieWordEmbeddings) && !isBuffer(name),
  );
  const misshapen = specs.flatMap(({ name, shape }) => {
    const entry = index.entries.get(name);
    if (entry === undefined) return [];
    if (!["F32", "F16", "BF16"].includes(entry.dtype)) return [`${name} is ${entry.dtype}, must be F32, F16 or BF16`];
    return String(entry.shape) === String(shape) ? [] : [`${name} is [${entry.shape}], must be [${shape}]`];
  });
  const problems = [
    ...(missing.length > 0 ? [`missing: ${few(missing, ", ")}`] : []),
    ...(extra.length > 0 ? [`not part of the model: ${few(extra, ", ")}`] : []),
    ...(misshapen.length > 0 ? [few(misshapen, "; ")] : []),
  ];
  if (problems.length > 0) {
    throw new CheckpointError("wrong-model", `${files.location} does not fit its config.json or the run's model: ${problems.join("; ")}`);
  }

  const parameters: ParameterMap = new Map();
  for (const { name, shape } of specs) {
    if (signal?.aborted) throw new CheckpointError("aborted", `reading ${files.location} was aborted`, signal.reason);
    const data = (await index.read(name)).data as Float32Array<ArrayBuffer>; // F16 and BF16 are widened
    if (!data.every(Number.isFinite)) {
      throw new CheckpointError(
        "wrong-model",
        `${files.location}: ${name} holds NaN or infinity; this checkpoint is broken, take an earlier one`,
      );
    }
    canonicalizeInPlace(data);
    parameters.set(name, { shape, data });
  }
  return parameters;
}

/** Old exports carry the rotary frequencies, which follow from config.json. */
function isBuffer(name: string): boolean {
  return name.endsWith(".rotary_emb.inv_freq");
}

function few(items: readonly string[], separator: string): string {
  const shown = items.slice(0, MAX_NAMES_SHOWN).join(separator);
  return items.length > MAX_NAMES_SHOWN ? `${shown}${separator}and ${items.length - MAX_NAMES_SHOWN} more` : shown;
}
