/** `starling export-matformer-tiers`: the tiers of a checkpoint, each an ordinary narrower model in a folder of its own. */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { exportMatformerTiersOptions, OptionsOf } from "@starling/config";
import { CheckpointError } from "@starling/trainer-core/checkpoint/checkpointError";
import { readTextFile } from "@starling/trainer-core/checkpoint/checkpointFiles";
import { directoryFiles } from "@starling/trainer-core/checkpoint/directoryFiles.node";
import { readTierOrigin, tierCheckpointFiles, tierDirectory } from "@starling/trainer-core/checkpoint/matformerTiers";
import { readCheckpoint } from "@starling/trainer-core/checkpoint/readCheckpoint";
import { writeDirectory } from "@starling/trainer-core/checkpoint/store.node";
import { tierRefusal, tierWidth } from "@starling/trainer-core/model/matformer";
import { print } from "../chain/print.ts";
import { EXIT_CODES, HostError } from "../errors.ts";
import { listenForStop } from "../platform/parent.ts";

/** What a model's folder holds beside config and weights that a narrower one needs too. */
const TEXT_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "generation_config.json",
];

interface Exported {
  tier: number;
  path: string;
  intermediateSize: number;
  bytes: number;
  /** why no run with this tile side can have clients of this tier; null: it can */
  notForRuns: string | null;
}

export async function exportMatformerTiers(options: OptionsOf<typeof exportMatformerTiersOptions>): Promise<number> {
  const { signal } = listenForStop();
  const source = resolve(options.checkpoint);
  try {
    const exported = await exportTiers(source, options, signal);
    print(options.json, { tiers: exported }, exported.map(sentenceOf));
    return EXIT_CODES.ok;
  } catch (cause) {
    if (cause instanceof CheckpointError && cause.code !== "no-space" && cause.code !== "io" && cause.code !== "aborted") {
      throw new HostError("bad-option", `--checkpoint ${cause.message}`, { cause });
    }
    throw cause;
  }
}

async function exportTiers(
  source: string,
  { tiers, out, compressionChunk: chunk }: OptionsOf<typeof exportMatformerTiersOptions>,
  signal: AbortSignal,
): Promise<Exported[]> {
  const files = directoryFiles(source);
  const origin = await readTierOrigin(files);
  if (origin !== null) {
    throw new HostError(
      "bad-option",
      `--checkpoint ${source} is tier ${origin.tier} of a model already: name the whole model's folder, which has intermediate_size ${origin.baseIntermediateSize}`,
    );
  }
  const wanted = [...new Set(tiers)].sort((a, b) => a - b);
  const base = join(out === undefined ? dirname(source) : resolve(out), basename(source));
  for (const tier of wanted) {
    const path = tierDirectory(base, tier);
    if (existsSync(path)) throw new HostError("bad-option", `${path} is there already: remove it, or name another folder with --out`);
  }
  const whole = await readCheckpoint(files, signal);
  for (const tier of wanted) {
    try {
      tierWidth(whole.config.intermediateSize, tier);
    } catch (cause) {
      throw new HostError("bad-option", `--tiers: ${(cause as Error).message}`, { cause });
    }
  }
  const texts = new Map<string, string>();
  for (const name of TEXT_FILES) {
    const text = await readTextFile(files, name);
    if (text !== null) texts.set(name, text);
  }
  const exported: Exported[] = [];
  for (const tier of wanted) {
    const path = tierDirectory(base, tier);
    const made = tierCheckpointFiles(whole, tier, { chunk, texts });
    await writeDirectory(path, made, signal);
    exported.push({
      ...{ tier, path, intermediateSize: tierWidth(whole.config.intermediateSize, tier) },
      bytes: made.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      notForRuns: tierRefusal(whole.config.intermediateSize, chunk, tier),
    });
  }
  return exported;
}

function sentenceOf({ tier, path, intermediateSize, bytes, notForRuns }: Exported): string {
  const made = `tier ${tier}: ${path}, ${intermediateSize} neurons, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return notForRuns === null
    ? made
    : `${made}. It loads as a model of its own, but no run with compression_chunk as given can have its clients: ${notForRuns}`;
}
