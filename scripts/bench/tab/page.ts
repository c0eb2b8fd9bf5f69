/** The page of `bench tab`: passes messages to its Worker, and notes the longest task of its own thread. */
import type { FromBenchWorker, ToBenchWorker } from "./messages.ts";

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
let longestTaskMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longestTaskMs = Math.max(longestTaskMs, duration);
}).observe({ entryTypes: ["longtask"] });

/** arrays of tokens come as plain numbers: what Playwright carries is JSON */
type Plain = Omit<Extract<ToBenchWorker, { type: "run" }>, "rounds"> & {
  rounds: { sequences: number[][]; learningRate: number; lookaheadLearningRate: number }[];
};

function ask(request: Extract<ToBenchWorker, { type: "create" }> | Plain): Promise<FromBenchWorker> {
  const message: ToBenchWorker =
    request.type === "run"
      ? { ...request, rounds: request.rounds.map((r) => ({ ...r, sequences: r.sequences.map((s) => Int32Array.from(s)) })) }
      : request;
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromBenchWorker>) => resolve(data);
    worker.onerror = ({ message: why }) => reject(new Error(why || "the Worker could not be loaded"));
    worker.postMessage(message);
  });
}

Object.assign(globalThis, { bench: { ask, longestTaskMs: () => longestTaskMs, forget: () => (longestTaskMs = 0) } });
