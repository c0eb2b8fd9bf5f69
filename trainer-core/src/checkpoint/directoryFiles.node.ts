import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "./checkpointError.ts";
import type { CheckpointFiles } from "./checkpointFiles.ts";

/** The files of a checkpoint in a directory. Each read opens its file: nothing stays open behind a reader that is dropped. */
export function directoryFiles(directory: string): CheckpointFiles {
  const failed = (error: unknown, path: string): CheckpointError =>
    new CheckpointError("io", `${path}: ${(error as Error).message}`, error);
  return {
    location: directory,
    async open(name) {
      const path = join(directory, name);
      let sizeBytes: number;
      try {
        sizeBytes = (await stat(path)).size;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ENOTDIR") return null;
        throw failed(error, path);
      }
      return {
        sizeBytes,
        async read(offsetBytes, lengthBytes) {
          const bytes = new Uint8Array(lengthBytes);
          let filled = 0;
          try {
            await using handle = await open(path);
            while (filled < lengthBytes) {
              const { bytesRead } = await handle.read(bytes, filled, lengthBytes - filled, offsetBytes + filled);
              if (bytesRead === 0) break;
              filled += bytesRead;
            }
          } catch (error) {
            throw failed(error, path);
          }
          if (filled < lengthBytes) throw new CheckpointError("bad-format", `${path} ends before byte ${offsetBytes + lengthBytes}`);
          return bytes;
        },
      };
    },
  };
}
