import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError, throwIfAborted } from "./dataError.ts";
import type { FileSource } from "./fileSource.ts";
import { extensionOf, TOKEN_FILE_EXTENSIONS } from "./tokenFile.ts";

/**
 * The files directly inside a directory that end in one of `extensions`, by name in ascending order (directory order differs
 * between machines), or one file. Other files are left alone.
 */
export function localFiles(path: string, extensions: readonly string[] = TOKEN_FILE_EXTENSIONS): FileSource {
  const failed = (error: unknown, what: string): DataError =>
    new DataError("unreachable", `${what}: ${(error as Error).message}; does the path exist, may this user read it?`, error);

  return {
    async list(signal) {
      throwIfAborted(signal);
      try {
        if ((await stat(path)).isFile()) return [path];
        const entries = await readdir(path, { withFileTypes: true });
        const names = entries
          .filter((entry) => !entry.isDirectory() && extensions.includes(extensionOf(entry.name)))
          .map((entry) => join(path, entry.name))
          .sort();
        if (names.length > 0) return names;
      } catch (error) {
        throw failed(error, `data directory ${path}`);
      }
      throw new DataError("empty", `data directory ${path} has no file ending in ${extensions.join(", ")}`);
    },

    async sizeBytes(name, signal) {
      throwIfAborted(signal);
      try {
        return (await stat(name)).size;
      } catch (error) {
        throw failed(error, `data file ${name}`);
      }
    },

    async read(name, offsetBytes, lengthBytes, signal) {
      throwIfAborted(signal);
      const bytes = new Uint8Array(lengthBytes);
      let filled = 0;
      try {
        await using file = await open(name);
        while (filled < lengthBytes) {
          const { bytesRead } = await file.read(bytes, filled, lengthBytes - filled, offsetBytes + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
          throwIfAborted(signal);
        }
      } catch (error) {
        throw error instanceof DataError ? error : failed(error, `data file ${name}`);
      }
      if (filled < lengthBytes) {
        throw new DataError(
          "bad-file",
          `data file ${name} ends at byte ${offsetBytes + filled}, ${offsetBytes + lengthBytes} were expected: it shrank while in use`,
        );
      }
      return bytes;
    },
  };
}
