/** The page of `bench peers`: a Worker for each contestant, asked from outside. */
import type { ContestantName, FromContestant, ToContestant } from "./contestant.ts";

const workers = new Map<ContestantName, Worker>();

function ask(name: ContestantName, request: ToContestant): Promise<FromContestant> {
  const worker = workers.get(name) ?? new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  workers.set(name, worker);
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromContestant>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message || "the Worker could not be loaded"));
    worker.postMessage(request);
  });
}

/** Ends a contestant's Worker and frees its device. */
function end(name: ContestantName): void {
  workers.get(name)?.terminate();
  workers.delete(name);
}

Object.assign(globalThis, { peers: { ask, end } });
