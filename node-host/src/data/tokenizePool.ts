import { Worker } from "node:worker_threads";
import { HostError } from "../errors.ts";
import type { Tokenized } from "./tokenizeTexts.ts";

interface Task {
  texts: string[];
  resolve: (result: Tokenized) => void;
  reject: (error: Error) => void;
}

/** Threads that tokenise; whoever asks bounds how much is asked at a time. */
export class TokenizePool {
  readonly #workers: Worker[];
  readonly #idle: Worker[];
  readonly #running = new Map<Worker, Task>();
  readonly #queue: Task[] = [];
  #failure: HostError | null = null;

  constructor(size: number, tokenizerPath: string) {
    this.#workers = Array.from({ length: size }, () => {
      const worker = new Worker(new URL("./tokenizeWorker.ts", import.meta.url), {
        workerData: { tokenizerPath },
        execArgv: ["--disable-warning=ExperimentalWarning"],
      });
      worker.on("message", (result: Tokenized) => {
        this.#running.get(worker)?.resolve(result);
        this.#running.delete(worker);
        this.#idle.push(worker);
        this.#next();
      });
      worker.on("error", (error) => this.#fail(error));
      return worker;
    });
    this.#idle = [...this.#workers];
  }

  /** The tokens of each text. Errors: HostError data when a thread dies. */
  tokenize(texts: string[]): Promise<Tokenized> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ texts, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#idle.pop()!;
      const task = this.#queue.shift()!;
      this.#running.set(worker, task);
      worker.postMessage({ texts: task.texts });
    }
  }

  #fail(cause: Error): void {
    this.#failure = new HostError("data", `a tokenizer thread died: ${cause.message}; start again with fewer --workers if memory ran out`, {
      cause,
    });
    for (const { reject } of [...this.#running.values(), ...this.#queue]) reject(this.#failure);
    this.#running.clear();
    this.#queue.length = 0;
  }
}
