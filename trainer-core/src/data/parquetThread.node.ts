import { Worker } from "node:worker_threads";
import { DataError, throwIfAborted, type DataErrorCode } from "./dataError.ts";
import { localFiles } from "./localFiles.node.ts";
import type { RowGroup } from "./parquetFile.ts";
import type { ParquetFiles } from "./parquetFiles.ts";
import { orAborted } from "./signals.ts";

export type ThreadRequest = { id: number; name: string; options: { maxSeqLen: number; vocabSize: number } } & (
  | { type: "open" }
  | { type: "read"; from: number; to: number }
);

/** Says that the thread has loaded its code. */
export const READY_ID = -1;

export interface ThreadAnswer {
  id: number;
  result?: { rows: number; groups: RowGroup[] } | Int32Array;
  error?: { code: DataErrorCode; message: string };
}

type Asked = { type: "open" } | { type: "read"; from: number; to: number };

interface Pending {
  name: string;
  resolve: (result: ThreadAnswer["result"]) => void;
  reject: (error: DataError) => void;
}

/** One block of a healthy file takes about a second. */
const DEADLINE_MS = 60_000;
const MAX_MEMORY_MB = 2048;

/**
 * The `.parquet` files of a folder, decoded in a thread of their own: seconds of decoding do not hold up the network, and a damaged
 * file, over which the decoder can stay busy for ever and fill memory, ends that thread and is an error.
 */
export function parquetInThread(path: string, deadlineMs = DEADLINE_MS): ParquetFiles {
  const source = localFiles(path, [".parquet"]);
  const pending = new Map<number, Pending>();
  let worker: Worker | null = null;
  /** loading its code is not decoding: on a busy machine it takes seconds, and does not count */
  let isReady = false;
  let requests = 0;
  let silence: NodeJS.Timeout | undefined;

  const end = (reason: string): void => {
    clearTimeout(silence);
    void worker?.terminate();
    worker = null;
    for (const { name, reject } of pending.values())
      reject(new DataError("bad-file", `${name} cannot be decoded: ${reason}; is it damaged?`));
    pending.clear();
  };
  const watch = (): void => {
    clearTimeout(silence);
    if (isReady && pending.size > 0) silence = setTimeout(() => end(`no end after ${deadlineMs / 1000} s`), deadlineMs);
  };
  const start = (): Worker => {
    const made = new Worker(new URL("./parquetWorker.node.ts", import.meta.url), {
      workerData: { path },
      execArgv: ["--disable-warning=ExperimentalWarning"],
      resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB },
    });
    isReady = false;
    made.unref(); // a thread that waits must not keep the process
    made.on("message", ({ id, result, error }: ThreadAnswer) => {
      if (worker !== made) return;
      isReady = true;
      const asked = pending.get(id);
      pending.delete(id);
      watch();
      if (pending.size === 0) made.unref();
      if (error) asked?.reject(new DataError(error.code, error.message));
      else asked?.resolve(result);
    });
    made.on("error", (error) => worker === made && end(error.message));
    return made;
  };
  const ask = <T extends ThreadAnswer["result"]>(
    name: string,
    options: { maxSeqLen: number; vocabSize: number },
    what: Asked,
    signal: AbortSignal,
  ): Promise<T> => {
    throwIfAborted(signal);
    worker ??= start();
    worker.ref();
    const id = requests++;
    const answer = new Promise<ThreadAnswer["result"]>((resolve, reject) => pending.set(id, { name, resolve, reject }));
    worker.postMessage({ ...what, id, name, options } satisfies ThreadRequest);
    if (pending.size === 1) watch();
    return orAborted(answer, signal) as Promise<T>;
  };

  return {
    list: (signal) => source.list(signal),
    async open(name, options, signal) {
      const { rows, groups } = await ask<{ rows: number; groups: RowGroup[] }>(name, options, { type: "open" }, signal);
      return { name, rows, groups, read: (from, to, readSignal) => ask<Int32Array>(name, options, { type: "read", from, to }, readSignal) };
    },
    async close() {
      end("the data were closed");
    },
  };
}
