/**
 * Tensors on this browser's disk (the origin private file system): a model that is still arriving, and the parameters of the last agreed
 * epoch, so that a reload fetches neither again. Used in a Worker alone. Where the browser keeps nothing, nothing is kept.
 */
import type { CheckpointSink, ModelCache } from "@starling/trainer-core/round/ports";
import { forgottenFolders, type FolderAge } from "./forgottenFolders.ts";

const HASH = /^[0-9a-f]{64}$/;

export interface TensorFolders {
  arriving: ModelCache;
  agreed: ModelCache;
  /** resolves when the folders of runs that are not trained here any more are gone */
  tidied: Promise<void>;
  /** from now on another tab may remove them */
  close(): void;
}

/** Of one run and peer id; those of runs long not trained here are removed meanwhile. Null where there is no such file system. */
export async function openTensorFolders(runId: string, peerId: string): Promise<TensorFolders | null> {
  const name = encodeURIComponent(`${runId} ${peerId.slice(0, 16)}`).replaceAll("%", "_");
  let close: (() => void) | null = null;
  try {
    const root = await navigator.storage.getDirectory();
    close = await holdFolder(name);
    const run = await root.getDirectoryHandle(name, { create: true });
    const [arriving, agreed] = await Promise.all(["arriving", "agreed"].map((part) => run.getDirectoryHandle(part, { create: true })));
    // what cannot be removed now stays until the next time
    const tidied = removeForgotten(root, name).catch(() => undefined);
    return { arriving: tensorFolder(arriving), agreed: tensorFolder(agreed), tidied, close };
  } catch {
    close?.();
    return null;
  }
}

const lockOf = (name: string): string => `starling tensors ${name}`;

/** Waits for a tab that is just removing the folder. Resolves to how to let go of it; the browser does when the tab is gone. */
function holdFolder(name: string): Promise<() => void> {
  const { promise, resolve, reject } = Promise.withResolvers<() => void>();
  navigator.locks.request(lockOf(name), () => new Promise<void>((release) => resolve(release))).catch(reject);
  return promise;
}

async function removeForgotten(root: FileSystemDirectoryHandle, opened: string): Promise<void> {
  const folders: FolderAge[] = [];
  for await (const [name, entry] of root.entries()) {
    if (entry.kind !== "directory") continue;
    // one that cannot be read is being written
    const ms = await newestMs(entry as FileSystemDirectoryHandle).catch(() => Date.now());
    folders.push({ name, newestMs: ms });
  }
  for (const name of forgottenFolders(folders, opened, Date.now())) {
    // another tab may be training with it
    await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
      if (lock !== null) await root.removeEntry(name, { recursive: true });
    });
  }
}

async function newestMs(folder: FileSystemDirectoryHandle): Promise<number | null> {
  let newest: number | null = null;
  for await (const entry of folder.values()) {
    const ms =
      entry.kind === "directory"
        ? await newestMs(entry as FileSystemDirectoryHandle)
        : (await (entry as FileSystemFileHandle).getFile()).lastModified;
    if (ms !== null) newest = Math.max(newest ?? 0, ms);
  }
  return newest;
}

/** `<parameter hash>/<index>.f32`, each complete or absent: a file's length is written last, in its first four bytes. */
function tensorFolder(root: FileSystemDirectoryHandle): ModelCache {
  const folderOf = (parameterHash: string, create: boolean) => {
    if (!HASH.test(parameterHash)) throw new RangeError(`a parameter hash has 64 hex digits, got ${parameterHash.slice(0, 80)}`);
    return root.getDirectoryHandle(parameterHash, { create });
  };
  return {
    async load(parameterHash, index) {
      try {
        const folder = await folderOf(parameterHash, false);
        const file = await (await folder.getFileHandle(`${index}.f32`)).getFile();
        const bytes = new Uint8Array(await file.arrayBuffer());
        if (bytes.length < 4 || new DataView(bytes.buffer).getUint32(0, true) !== bytes.length - 4) return null;
        return bytes.slice(4);
      } catch (error) {
        if ((error as DOMException).name === "NotFoundError") return null;
        throw error;
      }
    },
    async save(parameterHash, index, bytes) {
      const folder = await folderOf(parameterHash, true);
      const access = await (await folder.getFileHandle(`${index}.f32`, { create: true })).createSyncAccessHandle();
      try {
        access.truncate(0);
        access.write(bytes, { at: 4 });
        access.flush();
        const length = new Uint8Array(4);
        new DataView(length.buffer).setUint32(0, bytes.length, true);
        access.write(length, { at: 0 });
        access.flush();
      } finally {
        access.close();
      }
    },
    async clear(exceptParameterHash) {
      for await (const name of root.keys()) if (name !== exceptParameterHash) await root.removeEntry(name, { recursive: true });
    },
  };
}

/** Keeps the newest agreed parameters, one file a tensor in ascending order of names. What comes out is hashed by the engine. */
export function agreedParameters(folder: ModelCache, names: readonly string[]): CheckpointSink {
  const hex = (hash: Uint8Array) => Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    async save({ parameterHash, parameters }) {
      const hash = hex(parameterHash);
      for (const [index, name] of names.entries()) {
        const values = parameters.get(name)!;
        await folder.save(hash, index, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
      await folder.clear(hash);
      return "this browser";
    },
    async parametersOf(parameterHash) {
      const parameters = new Map<string, Float32Array>();
      for (const [index, name] of names.entries()) {
        const bytes = await folder.load(parameterHash, index);
        if (bytes === null || bytes.byteLength % 4 !== 0) return null;
        parameters.set(name, new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4));
      }
      return parameters;
    },
  };
}
