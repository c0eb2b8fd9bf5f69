import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ServerError } from "./errors.ts";
import type { StateStore } from "./store.ts";

/** More than any state has, so that a wrong file is not read into memory. */
const MAX_STATE_BYTES = 1024 * 1024;

/** Path of a run's saved state. A run id may hold any character: those that a file name cannot are percent-encoded. */
export function statePath(dir: string, runId: string): string {
  const name = encodeURIComponent(runId).replace(/[.*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return join(dir, `${name}.state`);
}

/** Keeps a run's state in `<dir>/<run id>.state`: written beside it, synced, then renamed over it. */
export function fileStateStore(dir: string, runId: string): StateStore {
  const path = statePath(dir, runId);
  return {
    async load() {
      let bytes: Uint8Array;
      try {
        bytes = await readFile(path);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw new ServerError("storage", `${path} cannot be read: ${(cause as Error).message}`, { cause });
      }
      if (bytes.length > MAX_STATE_BYTES) {
        throw new ServerError(
          "state-unreadable",
          `${path} has ${bytes.length} bytes, a state has at most ${MAX_STATE_BYTES}; move it away`,
        );
      }
      return new Uint8Array(bytes);
    },
    async save(bytes) {
      const beside = `${path}.new`;
      await mkdir(dir, { recursive: true });
      try {
        const file = await open(beside, "w");
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
        await syncDirectory(dir);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
    },
  };
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
