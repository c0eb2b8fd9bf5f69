import { DataError, throwIfAborted } from "./dataError.ts";
import type { FileSource } from "./fileSource.ts";

/** Files that are there already: for tests, and in ascending name order as a folder's would be. */
export function memoryFiles(files: Readonly<Record<string, Uint8Array>>): FileSource {
  return {
    async list(signal) {
      throwIfAborted(signal);
      return Object.keys(files).sort();
    },
    async sizeBytes(name, signal) {
      throwIfAborted(signal);
      return files[name].length;
    },
    async read(name, offsetBytes, lengthBytes, signal) {
      await Promise.resolve();
      throwIfAborted(signal);
      const part = files[name].subarray(offsetBytes, offsetBytes + lengthBytes);
      if (part.length < lengthBytes) throw new DataError("bad-file", `${name} ends at byte ${files[name].length}`);
      return part;
    },
  };
}
