/**
 * Checkpoints of one MatFormer tier: an ordinary, narrower Llama whose config.json says of which model it is a part, and a manifest
 * (`matformer_manifest.json`) with the sha256 of every file. Anyone's tools load them; `--matformer-load-strategy sliced` trains from them.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHfConfig, type LlamaConfig } from "@starling/config/llamaConfig";
import { toHex } from "@starling/sdk/bytes";
import { tensorRoot } from "../compress/merkle.ts";
import { MAX_TIER, prefixValues, tierConfig, tierShape } from "../model/matformer.ts";
import type { ParameterMap } from "../model/parameters.ts";
import { CheckpointError } from "./checkpointError.ts";
import { jsonFile, PIECE_BYTES, readJsonFile, textFile, type CheckpointFile, type CheckpointFiles } from "./checkpointFiles.ts";
import { modelTensors } from "./modelTensors.ts";
import { readCheckpoint, type LoadedCheckpoint } from "./readCheckpoint.ts";
import { DEFAULT_SHARD_BYTES, tensorFiles } from "./writeCheckpoint.ts";

export const MANIFEST_FILE = "matformer_manifest.json";
const SCHEMA_VERSION = 1;

/** The folder of a tier's checkpoint, beside that of the whole model. */
export function tierDirectory(whole: string, tier: number): string {
  return `${whole.replace(/\/+$/, "")}-tier${tier}`;
}

/** What a sliced checkpoint's config.json says of where it comes from. */
export interface TierOrigin {
  tier: number;
  baseIntermediateSize: number;
}

/** Null: a checkpoint of a whole model. Errors: CheckpointError missing-file, bad-format. */
export async function readTierOrigin(files: CheckpointFiles): Promise<TierOrigin | null> {
  const json = (await readJsonFile(files, "config.json")) as Record<string, unknown> | null;
  const tier = json?.["matformer_tier"] ?? 0;
  if (tier === 0) return null;
  const base = json?.["matformer_base_intermediate_size"];
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
  const width = json?.["intermediate_size"];
  if (!isSize(tier) || tier > MAX_TIER || !isSize(base) || base !== (width as number) * 2 ** tier) {
    const has = `matformer_tier ${show(tier)}, matformer_base_intermediate_size ${show(base)}, intermediate_size ${show(width)}`;
    throw new CheckpointError(
      "bad-format",
      `${files.location}/config.json: ${has}; expected a tier from 1 to ${MAX_TIER} and a base of intermediate_size x 2^tier`,
    );
  }
  return { tier, baseIntermediateSize: base };
}

const show = (value: unknown): string => JSON.stringify(value) ?? "(none)";

export interface TierFilesOptions {
  /** largest tile side of the run that it is for, by which the whole model's hash is computed */
  chunk: number;
  maxShardBytes?: number;
  /** text files of the whole model that are copied as they are: the tokenizer's */
  texts?: ReadonlyMap<string, string>;
}

/**
 * The files of tier `tier` of a model, the manifest last. Pieces are views of the parameters. Throws RangeError where the width cannot
 * be halved so often, and CheckpointError wrong-model where `tier` is 0.
 */
export function tierCheckpointFiles(
  whole: Pick<LoadedCheckpoint, "config" | "parameters">,
  tier: number,
  { chunk, maxShardBytes = DEFAULT_SHARD_BYTES, texts = new Map() }: TierFilesOptions,
): CheckpointFile[] {
  if (tier === 0) throw new CheckpointError("wrong-model", "tier 0 is the whole model: there is nothing to export");
  const base = whole.config.intermediateSize;
  const config = tierConfig(whole.config, tier);
  const parameters = tierParameters(whole.parameters, tier);
  const origin = { matformer_tier: tier, matformer_base_intermediate_size: base };
  const make = (): CheckpointFile[] => [
    jsonFile("config.json", { ...toHfConfig(config), ...origin }),
    ...tensorFiles(parameters, maxShardBytes),
    ...[...texts].map(([name, text]) => textFile(name, text)),
  ];
  const hashes = Object.fromEntries(make().map((file) => [file.name, hashOf(file.pieces())]));
  const own = Object.keys(hashes).filter((name) => !texts.has(name));
  const layouts = modelTensors(whole.config, chunk).map(({ layout }) => layout);
  const manifest = {
    schema_version: SCHEMA_VERSION,
    matformer_base_intermediate_size: base,
    base_parameter_hash: toHex(
      tensorRoot(
        layouts,
        [...whole.parameters.values()].map(({ data }) => data),
      ),
    ),
    compression_chunk: chunk,
    common_files: [...texts.keys()],
    tiers: [{ tier, intermediate_size: config.intermediateSize, files: own }],
    sha256: hashes,
  };
  return [...make(), jsonFile(MANIFEST_FILE, manifest)];
}

/** The parameters of tier `tier`, of views where that is possible. */
export function tierParameters(whole: ParameterMap, tier: number): ParameterMap {
  return new Map(
    [...whole].map(([name, { shape, data }]) => {
      const part = tierShape({ name, shape }, tier);
      return [name, { shape: part, data: prefixValues(data, shape, part) }];
    }),
  );
}

export interface TierCheckpoint extends LoadedCheckpoint {
  tier: number;
  /** the config of the model that it is a part of */
  base: LlamaConfig;
  /** (32) hash of that model's parameters, in a run with these tiles; null: nobody wrote it down */
  baseHash: { parameterHash: string; chunk: number } | null;
}

/**
 * Reads a tier's checkpoint; where it has a manifest, every file must have the sha256 that is written there. Errors: CheckpointError
 * wrong-model for a checkpoint of a whole model, bad-format for a damaged file.
 */
export async function readTierCheckpoint(files: CheckpointFiles, signal?: AbortSignal): Promise<TierCheckpoint> {
  const origin = await readTierOrigin(files);
  if (origin === null) throw new CheckpointError("wrong-model", `${files.location} holds a whole model, not a MatFormer tier`);
  const baseHash = await checkManifest(files, origin, signal);
  const loaded = await readCheckpoint(files, signal);
  return { ...loaded, tier: origin.tier, base: { ...loaded.config, intermediateSize: origin.baseIntermediateSize }, baseHash };
}

async function checkManifest(
  files: CheckpointFiles,
  { tier, baseIntermediateSize }: TierOrigin,
  signal: AbortSignal | undefined,
): Promise<TierCheckpoint["baseHash"]> {
  if ((await files.open(MANIFEST_FILE)) === null) return null;
  const where = `${files.location}/${MANIFEST_FILE}`;
  const json = (await readJsonFile(files, MANIFEST_FILE)) as Record<string, unknown>;
  const bad = (what: string): CheckpointError => new CheckpointError("bad-format", `${where}: ${what}`);
  if (json?.["schema_version"] !== SCHEMA_VERSION)
    throw bad(`schema_version must be ${SCHEMA_VERSION}, is ${show(json?.["schema_version"])}`);
  const tiers = Array.isArray(json["tiers"]) ? (json["tiers"] as Record<string, unknown>[]) : [];
  if (json["matformer_base_intermediate_size"] !== baseIntermediateSize || !tiers.some((entry) => entry?.["tier"] === tier)) {
    throw bad(`it is not of tier ${tier} of a model with intermediate_size ${baseIntermediateSize}, as config.json says`);
  }
  const hashes = json["sha256"];
  if (typeof hashes !== "object" || hashes === null) throw bad("sha256 must be an object");
  for (const [name, wanted] of Object.entries(hashes)) {
    if (name.includes("/") || name.includes("\\")) throw bad(`${show(name)} is no file name`);
    const reader = await files.open(name);
    if (reader === null) throw new CheckpointError("missing-file", `${files.location}: ${name} is missing, ${MANIFEST_FILE} names it`);
    const hash = sha256.create();
    for (let at = 0; at < reader.sizeBytes; at += PIECE_BYTES) {
      if (signal?.aborted) throw new CheckpointError("aborted", `reading ${files.location} was aborted`, signal.reason);
      hash.update(await reader.read(at, Math.min(PIECE_BYTES, reader.sizeBytes - at)));
    }
    const found = toHex(hash.digest());
    if (found !== wanted) throw bad(`${name} is damaged: its sha256 is ${found.slice(0, 16)}, ${String(wanted).slice(0, 16)} was written`);
  }
  const { base_parameter_hash: parameterHash, compression_chunk: chunk } = json;
  if (typeof parameterHash !== "string" || !/^[0-9a-f]{64}$/.test(parameterHash) || !Number.isInteger(chunk)) return null;
  return { parameterHash, chunk: chunk as number };
}

function hashOf(pieces: Iterable<Uint8Array>): string {
  const hash = sha256.create();
  for (const piece of pieces) hash.update(piece);
  return toHex(hash.digest());
}
