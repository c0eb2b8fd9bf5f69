/** The thread of `parquetThread.node.ts`: opens and decodes the files of one folder. */
import { parentPort, workerData } from "node:worker_threads";
import { DataError } from "./dataError.ts";
import { localFiles } from "./localFiles.node.ts";
import { openParquetFile, type ParquetFile } from "./parquetFile.ts";
import { READY_ID, type ThreadAnswer, type ThreadRequest } from "./parquetThread.node.ts";

const source = localFiles((workerData as { path: string }).path, [".parquet"]);
const opened = new Map<string, ParquetFile>();
/** nobody gives up in here: the owner ends the whole thread */
const { signal } = new AbortController();

parentPort!.on("message", (request: ThreadRequest) => {
  answer(request).then(
    (result) => send({ id: request.id, result }, result instanceof Int32Array ? [result.buffer as ArrayBuffer] : []),
    (error: unknown) => {
      const { code, message } = error instanceof DataError ? error : new DataError("bad-file", `${request.name}: ${String(error)}`);
      send({ id: request.id, error: { code, message } }, []);
    },
  );
});

async function answer(request: ThreadRequest): Promise<ThreadAnswer["result"]> {
  if (request.type === "open") {
    const file = await openParquetFile(source, request.name, request.options, signal);
    opened.set(request.name, file);
    return { rows: file.rows, groups: file.groups };
  }
  // a thread that took the place of another has opened nothing yet
  const file = opened.get(request.name) ?? (await openParquetFile(source, request.name, request.options, signal));
  opened.set(request.name, file);
  return file.read(request.from, request.to, signal);
}

function send(message: ThreadAnswer, transfer: ArrayBuffer[]): void {
  parentPort!.postMessage(message, transfer);
}

send({ id: READY_ID }, []);
