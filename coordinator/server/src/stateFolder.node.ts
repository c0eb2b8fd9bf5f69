/** A server's folder: the state of its run, the key by which clients know it, and a lock. */
import { appendFile, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fromHex, toHex } from "@starling/sdk/bytes";
import { ServerError } from "./errors.ts";
import { HISTORY_ENTRY_BYTES } from "@starling/sdk/roundHistory";
import { type HistoryStore, MAX_ROUNDS } from "./roundHistory.ts";
import { MAX_STATE_BYTES } from "./savedState.ts";
import { SERVER_KEY_FILE } from "./serverKeyFile.ts";
import type { StateStore } from "./store.ts";

/** twice the rounds that are kept, and a torn one */
const MAX_HISTORY_FILE_BYTES = (2 * MAX_ROUNDS + 1) * HISTORY_ENTRY_BYTES;
const MAX_KEY_FILE_BYTES = 4 * 1024;

/** Takes `<path>.lock` for this process; a lock of a dead one counts for nothing. The host brings it. */
export type TakeLock = (path: string) => { release: () => void } | { heldBy: number };

export interface StateFolder {
  /** (32) seed of the server's network key: made once, so that clients which pinned the key find it again */
  networkSeed: Uint8Array;
  store: StateStore;
  history: HistoryStore;
  /** after `CoordinatorServer.stop` */
  close(): void;
}

/**
 * Opens the folder in which one server at a time keeps one run.
 * @throws ServerError `in-use`, `key-unreadable`, `storage`
 */
export async function openStateFolder(dir: string, runId: string, { takeLock }: { takeLock: TakeLock }): Promise<StateFolder> {
  const keyPath = join(dir, SERVER_KEY_FILE);
  let lock: ReturnType<TakeLock>;
  try {
    await mkdir(dir, { recursive: true });
    // the key is one for the folder: two servers with it, of whatever runs, would be one peer to their clients
    lock = takeLock(keyPath);
  } catch (cause) {
    throw new ServerError("storage", `the state folder ${dir} cannot be used: ${(cause as Error).message}`, { cause });
  }
  if ("heldBy" in lock) {
    throw new ServerError("in-use", `the state folder ${dir} is in use by the server with process id ${lock.heldBy}: stop that one first`);
  }
  const { release } = lock;
  try {
    return {
      networkSeed: await keptSeed(keyPath),
      store: fileStateStore(dir, runId),
      history: fileHistoryStore(dir, runId),
      close: release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The seed in `path`, made new when there is no such file. */
async function keptSeed(path: string): Promise<Uint8Array> {
  const text = await readIfThere(path, MAX_KEY_FILE_BYTES);
  if (text === null) {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    try {
      await replaceFile(path, new TextEncoder().encode(`${toHex(seed)}\n`), 0o600);
    } catch (cause) {
      throw new ServerError("storage", `the server's key ${path} cannot be written: ${(cause as Error).message}`, { cause });
    }
    return seed;
  }
  const seed = fromHex(new TextDecoder().decode(text).trim(), 32);
  if (seed !== null) return seed;
  throw new ServerError(
    "key-unreadable",
    `${path} must hold 64 hexadecimal digits and does not: restore it, or remove it for a new key, by which running clients will not know this server until they are started again`,
  );
}

/** Path of a run's saved state. */
export function statePath(dir: string, runId: string): string {
  return pathOf(dir, runId, "state");
}

/** A run id may hold any character: those that a file name cannot are percent-encoded. */
function pathOf(dir: string, runId: string, kind: "state" | "history"): string {
  const name = encodeURIComponent(runId).replace(/[.*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return join(dir, `${name}.${kind}`);
}

/** Keeps a run's state in `<dir>/<run id>.state`: written beside it, synced, then renamed over it. */
export function fileStateStore(dir: string, runId: string): StateStore {
  const path = statePath(dir, runId);
  return {
    load: () => readIfThere(path, MAX_STATE_BYTES),
    async save(bytes) {
      await mkdir(dir, { recursive: true });
      await replaceFile(path, bytes, 0o644);
    },
  };
}

/** Keeps a run's history in `<dir>/<run id>.history`, to which each round adds a few bytes. A crash may cost the newest rounds. */
export function fileHistoryStore(dir: string, runId: string): HistoryStore {
  const path = pathOf(dir, runId, "history");
  return {
    load: () => readIfThere(path, MAX_HISTORY_FILE_BYTES),
    append: (bytes) => appendFile(path, bytes),
    replace: (bytes) => replaceFile(path, bytes, 0o644),
  };
}

async function readIfThere(path: string, maxBytes: number): Promise<Uint8Array | null> {
  let bytes: Uint8Array;
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > maxBytes) {
        throw new ServerError("state-unreadable", `${path} has ${size} bytes, expected at most ${maxBytes}; move it away`);
      }
      bytes = await readFile(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof ServerError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new ServerError("storage", `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return new Uint8Array(bytes);
}

/** Whole or not at all: a full disk leaves the file that was there. */
async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const beside = `${path}.new`;
  try {
    const file = await open(beside, "w", mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncDirectory(join(path, ".."));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Without it the rename itself may be lost with the power. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
