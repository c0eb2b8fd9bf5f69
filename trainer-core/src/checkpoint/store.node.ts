import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CheckpointError } from "./checkpointError.ts";
import { readTextFile, type CheckpointFile } from "./checkpointFiles.ts";
import { directoryFiles } from "./directoryFiles.node.ts";
import { readCheckpoint } from "./readCheckpoint.ts";
import type { CheckpointStore, StoredCheckpoint } from "./store.ts";
import { parseTrainingState, TRAINING_STATE_FILE } from "./trainingState.ts";
import { checkpointFiles } from "./writeCheckpoint.ts";

export interface DirectoryStoreOptions {
  /** checkpoints of a run that are kept, at least 1 */
  keepSteps: number;
  /** larger models are written in shards; default 4 GiB */
  maxShardBytes?: number;
}

/** Directories with this beginning are being written or deleted; a crash leaves them behind. */
const TEMPORARY_PREFIX = ".starling-";
/** No write goes so long without touching its directory, so an older one has no owner. */
const ABANDONED_AFTER_MS = 3_600_000;

/**
 * Checkpoints as directories `<directory>/<run id>-step<N>/`. One appears complete or not at all: it is written beside its place,
 * flushed to the disk file by file, and renamed. Newest means last created: a run that starts again from step 0 under its old name
 * does not lose its new checkpoints to its old ones.
 */
export function directoryStore(directory: string, options: DirectoryStoreOptions): CheckpointStore {
  const root = resolve(directory);
  const keep = Math.max(1, options.keepSteps);

  const list = async (runId: string): Promise<StoredCheckpoint[]> => {
    const prefix = `${directoryNameOf(runId)}-step`;
    const names = await namesIn(root);
    const found: StoredCheckpoint[] = [];
    for (const name of names) {
      if (!name.startsWith(prefix) || !/^\d+$/.test(name.slice(prefix.length))) continue;
      const location = join(root, name);
      try {
        const text = await readTextFile(directoryFiles(location), TRAINING_STATE_FILE);
        if (text !== null) found.push({ ...parseTrainingState(text, join(location, TRAINING_STATE_FILE)), location });
      } catch (error) {
        // A damaged neighbour must not keep a run from saving.
        if (!(error instanceof CheckpointError && error.code === "bad-format")) throw error;
      }
    }
    return found.sort((a, b) => Date.parse(b.created) - Date.parse(a.created) || b.step - a.step);
  };

  return {
    list,

    async save(checkpoint, signal) {
      const { runId, step } = checkpoint.state;
      const name = `${directoryNameOf(runId)}-step${step}`;
      const location = join(root, name);
      await writeDirectory(location, checkpointFiles(checkpoint, options.maxShardBytes), signal);
      const older = (await list(runId)).filter((stored) => stored.location !== location).slice(keep - 1);
      const notDeleted: string[] = [];
      for (const stored of older) {
        await removeDirectory(root, stored.location).catch(() => notDeleted.push(stored.location));
      }
      return { location, notDeleted };
    },

    async loadLatest(runId, signal) {
      const [latest] = await list(runId);
      return latest === undefined ? null : readCheckpoint(directoryFiles(latest.location), signal);
    },

    load: (location, signal) => readCheckpoint(directoryFiles(location), signal),
  };
}

/**
 * Writes a directory that appears complete or not at all; one that was there is replaced. Errors: CheckpointError no-space, io, aborted;
 * nothing half-written is left.
 */
export async function writeDirectory(location: string, files: readonly CheckpointFile[], signal?: AbortSignal): Promise<void> {
  const root = dirname(location);
  const temporary = join(root, `${TEMPORARY_PREFIX}${basename(location)}-${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    await removeAbandoned(root);
    for (const file of files) await writeFlushed(join(temporary, file.name), file, signal);
    await flushDirectory(temporary);
    await replaceDirectory(temporary, location);
    await flushDirectory(root);
  } catch (error) {
    // Where this fails too the first error says more; a later save removes what is left.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw asCheckpointError(error, location);
  }
}

/** Run ids may hold any character; separators must not reach the file system. */
function directoryNameOf(runId: string): string {
  return encodeURIComponent(runId);
}

async function writeFlushed(path: string, file: CheckpointFile, signal: AbortSignal | undefined): Promise<void> {
  await using handle = await open(path, "wx");
  for (const piece of file.pieces()) {
    if (signal?.aborted) throw new CheckpointError("aborted", `writing ${path} was aborted`, signal.reason);
    for (let written = 0; written < piece.length;) {
      written += (await handle.write(piece, written)).bytesWritten;
    }
  }
  await handle.sync();
}

/** Makes renames and new entries in a directory survive a power cut. */
async function flushDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

/** rename(2) does not replace a directory that has files: an older checkpoint of the same step makes way first. */
async function replaceDirectory(from: string, to: string): Promise<void> {
  const old = `${from}-old`;
  const hadOld = await rename(to, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
  try {
    await rename(from, to);
  } catch (error) {
    if (hadOld) await rename(old, to);
    throw error;
  }
  if (hadOld) await rm(old, { recursive: true, force: true });
}

/** Renamed first, so that nobody sees a checkpoint with half of its files. */
async function removeDirectory(root: string, location: string): Promise<void> {
  const doomed = join(root, `${TEMPORARY_PREFIX}${randomUUID()}`);
  await rename(location, doomed);
  await rm(doomed, { recursive: true });
}

async function removeAbandoned(root: string): Promise<void> {
  for (const name of await namesIn(root)) {
    if (!name.startsWith(TEMPORARY_PREFIX)) continue;
    const path = join(root, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() })); // its owner may just have renamed it
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

async function namesIn(root: string): Promise<string[]> {
  try {
    return await readdir(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw asCheckpointError(error, root);
  }
}

/** Disk full, quota used up, file size limit: the operator's remedy is the same. */
const NO_SPACE = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

function asCheckpointError(error: unknown, location: string): CheckpointError {
  if (error instanceof CheckpointError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && NO_SPACE.has(code)) {
    return new CheckpointError(
      "no-space",
      `checkpoint ${location}: no space (${message}); free some or point --checkpoint-dir elsewhere`,
      error,
    );
  }
  return new CheckpointError("io", `checkpoint ${location}: ${message}; may this user write there?`, error);
}
