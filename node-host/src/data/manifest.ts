/** `manifest.json`: what `prepare-data` has written and where it goes on. It is replaced as a whole, after what it tells of is on disk. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import type { Position } from "./pieces.ts";
import type { SplitState } from "./shardWriter.ts";

const VERSION = 1;

/** Everything that decides about the bytes written. */
export interface Settings {
  tokenizerSha256: string;
  vocabSize: number;
  tokenBytes: 2 | 4;
  shardTokens: number;
  /** null = documents follow each other without a mark */
  endOfText: number | null;
  heldOutShare: number;
  textField: string;
  inputs: { path: string; form: string; sizeBytes: number | null; modifiedMs: number | null }[];
}

export interface Manifest {
  version: number;
  settings: Settings;
  complete: boolean;
  /** where to go on; behind the last input when complete */
  next: Position;
  counts: Counts;
  train: SplitState;
  heldOut: SplitState;
}

export interface Counts {
  documents: number;
  /** what may fall into the held-out part as a whole: a document, or a piece of a text file */
  units: number;
  badLines: number;
  /** pieces in which bytes that were no UTF-8 became U+FFFD */
  mended: number;
}

/** Null when there is none yet. Errors: HostError data for one that cannot be read. */
export function readManifest(folder: string): Manifest | null {
  const path = join(folder, "manifest.json");
  if (!existsSync(path)) return null;
  try {
    const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
    if (manifest.version === VERSION) return manifest;
    throw new Error(`it is of version ${manifest.version}, this program writes ${VERSION}`);
  } catch (cause) {
    throw new HostError("data", `${path} cannot be used: ${(cause as Error).message}; delete the folder and start again`, { cause });
  }
}

export async function writeManifest(folder: string, manifest: Omit<Manifest, "version">): Promise<void> {
  const path = join(folder, "manifest.json");
  const beside = `${path}.new`;
  await using file = await open(beside, "w");
  await file.writeFile(`${JSON.stringify({ version: VERSION, ...manifest }, null, 2)}\n`);
  await file.sync();
  renameSync(beside, path);
}

/** Errors: HostError bad-option naming what differs. */
export function requireSameSettings(before: Settings, now: Settings, folder: string): void {
  const differ = (Object.keys(now) as (keyof Settings)[]).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
  if (differ.length === 0) return;
  const [key] = differ;
  const how = `${key} was ${JSON.stringify(before[key]).slice(0, 200)}, is ${JSON.stringify(now[key]).slice(0, 200)}`;
  throw new HostError(
    "bad-option",
    `${folder} was begun with other inputs or options (${how}): give it the same ones to go on, or take another --output`,
  );
}
