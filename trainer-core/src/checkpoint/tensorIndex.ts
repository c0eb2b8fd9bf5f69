import { CheckpointError } from "./checkpointError.ts";
import { readJsonFile, type BlobReader, type CheckpointFiles } from "./checkpointFiles.ts";
import { readSafetensorsHeader, readTensor, type Tensor, type TensorEntry } from "./safetensors.ts";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/** The tensors of a checkpoint, wherever they lie; data are read one tensor at a time. */
export interface TensorIndex {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  read(name: string): Promise<Tensor>;
}

/**
 * Finds a checkpoint's tensors: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 *
 * @throws CheckpointError "missing-file", "bad-format"
 */
export async function openTensors(files: CheckpointFiles): Promise<TensorIndex> {
  const located = new Map<string, { reader: BlobReader; entry: TensorEntry }>();
  const single = await files.open(SINGLE_FILE);
  if (single !== null) {
    for (const [name, entry] of await readSafetensorsHeader(single, `${files.location}/${SINGLE_FILE}`)) {
      located.set(name, { reader: single, entry });
    }
  } else {
    await openShards(files, located);
  }
  return {
    entries: new Map([...located].map(([name, { entry }]) => [name, entry])),
    async read(name) {
      const tensor = located.get(name);
      if (tensor === undefined) throw new CheckpointError("wrong-model", `${files.location}: there is no tensor ${name}`);
      return readTensor(tensor.reader, tensor.entry);
    },
  };
}

async function openShards(files: CheckpointFiles, located: Map<string, { reader: BlobReader; entry: TensorEntry }>): Promise<void> {
  if ((await files.open(INDEX_FILE)) === null) {
    throw new CheckpointError(
      "missing-file",
      `${files.location}: neither ${SINGLE_FILE} nor ${INDEX_FILE} is there; is this a checkpoint?`,
    );
  }
  const fileOf = readWeightMap(await readJsonFile(files, INDEX_FILE), `${files.location}/${INDEX_FILE}`);
  for (const shard of new Set(fileOf.values())) {
    const reader = await files.open(shard);
    if (reader === null) throw new CheckpointError("missing-file", `${files.location}: shard ${shard}, which the index names, is missing`);
    for (const [name, entry] of await readSafetensorsHeader(reader, `${files.location}/${shard}`)) {
      if (fileOf.get(name) === shard) located.set(name, { reader, entry });
    }
  }
  for (const [name, shard] of fileOf) {
    if (!located.has(name))
      throw new CheckpointError("bad-format", `${files.location}: the index places ${name} in ${shard}, which does not hold it`);
  }
}

function readWeightMap(index: unknown, label: string): Map<string, string> {
  const weightMap = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof weightMap !== "object" || weightMap === null || Array.isArray(weightMap)) {
    throw new CheckpointError("bad-format", `${label}: weight_map must be an object of tensor names and file names`);
  }
  const fileOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    // A name with a separator would lead out of the checkpoint.
    if (typeof shard !== "string" || !/^[\w.-]+\.safetensors$/.test(shard)) {
      throw new CheckpointError("bad-format", `${label}: ${name} lies in ${JSON.stringify(shard)}, which is not a shard's file name`);
    }
    fileOf.set(name, shard);
  }
  return fileOf;
}
