/** Entry of the worker thread that owns the GPU. Answers requests one at a time: an engine's calls are ordered. */
import { parentPort, workerData } from "node:worker_threads";
import { stateBuffers, type EngineState } from "@starling/trainer-core/train/engineState";
import { fitEngine, type FittedEngine } from "@starling/trainer-core/train/fitEngine";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { EXIT_CODES, exitCodeOf, type HostError } from "../errors.ts";
import { describeDevices, openDevices } from "./openDevices.ts";
import { END, type EngineAnswer, type EngineRequest, type EngineWorkerData, type RemoteMethods } from "./rpc.ts";

const port = parentPort!;
const data = workerData as EngineWorkerData;
const answer = (message: EngineAnswer) => port.postMessage(message);

async function start(): Promise<FittedEngine> {
  const startedMs = performance.now();
  const plan = runPlan(data.runConfig, data.llama);
  const open = () => openDevices(data.settings, data.dawnFlags);
  const fitted = await fitEngine(open, plan, data.settings);
  const { devices, engine, microBatchSequences, recomputation, sentences } = fitted;
  for (const { gpu } of devices) void gpu.lost.then(({ message }) => answer({ kind: "lost", message: message || "no reason given" }));
  const adapter = describeDevices(devices);
  const memory = {
    adapterBytes: devices.reduce((sum, device) => sum + device.memory.bytes, 0),
    microBatchSequences,
    recomputation,
    sentences,
  };
  const compileMs = Math.round(performance.now() - startedMs);
  answer({ kind: "ready", adapter, profile: devices[0].profile, precision: engine.precision, compileMs, memory });
  return fitted;
}

async function serve(engine: RemoteMethods, request: EngineRequest): Promise<void> {
  try {
    const call = engine[request.method] as (...args: unknown[]) => Promise<unknown>;
    const value = await call.apply(engine, request.args);
    // a copy of all parameters changes hands: the main thread must not stand still for it
    const transfer = request.method === "exportState" ? stateBuffers(value as EngineState) : [];
    port.postMessage({ kind: "result", id: request.id, value } satisfies EngineAnswer, transfer);
  } catch (error) {
    const { name, message, code } = error as Error & { code?: unknown };
    // nothing more can be made on such a device: a new engine is, with what memory there is then
    if (code === "out-of-memory") answer({ kind: "lost", message });
    answer({ kind: "error", id: request.id, name, code: String(code ?? "unknown"), message });
  }
}

/**
 * Whoever waits for a device hears that it was closed. Were the thread ended before that, Dawn would abort the whole process, for a
 * promise that nobody settles any more.
 */
async function end({ devices, engine }: FittedEngine, serving: Promise<void>): Promise<void> {
  for (const device of devices) device.dispose();
  await serving;
  await Promise.all(devices.map((device) => device.settled()));
  await engine.dispose().catch(() => undefined);
  process.exit(1);
}

start().then(
  (fitted) => {
    let last: Promise<void> = Promise.resolve();
    port.on("message", (message: EngineRequest | typeof END) => {
      if (message === END) void end(fitted, last);
      else last = last.then(() => serve(fitted.engine, message));
    });
  },
  (error: Error) => {
    const code = exitCodeOf(error) === EXIT_CODES.usage ? "bad-option" : "engine";
    answer({ kind: "failed", code: (error as HostError).code === "wrong-arithmetic" ? "wrong-arithmetic" : code, message: error.message });
  },
);
