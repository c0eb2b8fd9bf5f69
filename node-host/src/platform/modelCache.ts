/** Tensors of a model that is still on its way from peers, on disk: a client that is started again does not fetch them twice. */
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ModelCache } from "@starling/trainer-core/round/ports";

const HASH = /^[0-9a-f]{64}$/;

/**
 * Keeps tensors in `<directory>/<parameter hash>/<index>.f32`, each complete or absent. What it gives back is for the caller to
 * verify. `maxTensorBytes`: a larger file is none of ours. Errors: the file system's.
 */
export function fileModelCache(directory: string, maxTensorBytes: number): ModelCache {
  const root = resolve(directory);
  const folderOf = (parameterHash: string): string => {
    if (!HASH.test(parameterHash)) throw new RangeError(`a parameter hash has 64 hex digits, got ${parameterHash.slice(0, 80)}`);
    return join(root, parameterHash);
  };
  return {
    async load(parameterHash, index) {
      const path = join(folderOf(parameterHash), `${index}.f32`);
      try {
        if ((await stat(path)).size > maxTensorBytes) return null;
        return new Uint8Array(await readFile(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async save(parameterHash, index, bytes) {
      const folder = folderOf(parameterHash);
      const beside = join(folder, `${index}.new`);
      await mkdir(folder, { recursive: true });
      try {
        {
          await using file = await open(beside, "w");
          await file.writeFile(bytes);
          await file.sync();
        }
        await rename(beside, join(folder, `${index}.f32`));
      } catch (error) {
        await rm(beside, { force: true }).catch(() => undefined);
        throw error;
      }
    },
    async clear(exceptParameterHash) {
      const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      });
      // only what this cache made: the folder may be a person's own
      const old = names.filter((name) => HASH.test(name) && name !== exceptParameterHash);
      for (const name of old) await rm(join(root, name), { recursive: true, force: true });
    },
  };
}
