import { toHfConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import type { ParameterMap, ParameterTensor } from "../model/parameters.ts";
import { jsonFile, textFile, type CheckpointFile } from "./checkpointFiles.ts";
import { safetensorsFile } from "./safetensors.ts";
import { INDEX_FILE, SINGLE_FILE } from "./tensorIndex.ts";
import { TRAINING_STATE_FILE, trainingStateJson, type TrainingState } from "./trainingState.ts";

export interface Checkpoint {
  config: LlamaConfig;
  parameters: ParameterMap;
  state: TrainingState;
  /** the text of a Hugging Face tokenizer.json, copied as it is */
  tokenizerJson?: string | null;
}

export const DEFAULT_SHARD_BYTES = 4 * 2 ** 30;

/**
 * The files of a checkpoint that Hugging Face tools load: config.json, F32 safetensors (shards and an index above `maxShardBytes`),
 * tokenizer.json if there is one, and starling.json. Pieces are views of the parameters: write them before those change.
 */
export function checkpointFiles(checkpoint: Checkpoint, maxShardBytes = DEFAULT_SHARD_BYTES): CheckpointFile[] {
  const { config, parameters, state, tokenizerJson } = checkpoint;
  const files = [
    jsonFile("config.json", toHfConfig(config)),
    ...tensorFiles(parameters, maxShardBytes),
    jsonFile(TRAINING_STATE_FILE, trainingStateJson(state)),
  ];
  if (typeof tokenizerJson === "string") files.push(textFile("tokenizer.json", tokenizerJson));
  return files;
}

/** The weights alone: one file, or shards and their index. */
export function tensorFiles(parameters: ParameterMap, maxShardBytes: number): CheckpointFile[] {
  const shards: Map<string, ParameterTensor>[] = [];
  let shardBytes = Number.POSITIVE_INFINITY;
  let totalBytes = 0;
  for (const [name, tensor] of parameters) {
    const { byteLength } = tensor.data;
    if (shardBytes + byteLength > maxShardBytes) {
      shards.push(new Map());
      shardBytes = 0;
    }
    shards.at(-1)!.set(name, tensor);
    shardBytes += byteLength;
    totalBytes += byteLength;
  }
  if (shards.length <= 1) return [safetensorsFile(SINGLE_FILE, parameters)];

  const number = (n: number): string => String(n).padStart(5, "0");
  const weightMap: Record<string, string> = {};
  const files = shards.map((shard, i) => {
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    for (const name of shard.keys()) weightMap[name] = file;
    return safetensorsFile(file, shard);
  });
  return [...files, jsonFile(INDEX_FILE, { metadata: { total_size: totalBytes }, weight_map: weightMap })];
}
