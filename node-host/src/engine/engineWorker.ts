/** Entry of the worker thread that owns the GPU. Answers requests one at a time: an engine's calls are ordered. */
import { parentPort, workerData } from "node:worker_threads";
import { calmPolling, createDawn } from "@starling/trainer-core/device/dawn.node";
import { Device } from "@starling/trainer-core/device/device";
import { stateBuffers, type EngineState } from "@starling/trainer-core/train/engineState";
import { fitEngine } from "@starling/trainer-core/train/fitEngine";
import { deviationSentence, selfTest } from "@starling/trainer-core/train/selfTest";
import { runPlan } from "@starling/trainer-core/train/runPlan";
import { HostError } from "../errors.ts";
import type { EngineAnswer, EngineRequest, EngineWorkerData, RemoteMethods } from "./rpc.ts";

const port = parentPort!;
const data = workerData as EngineWorkerData;
const answer = (message: EngineAnswer) => port.postMessage(message);

async function start(): Promise<RemoteMethods> {
  const startedMs = performance.now();
  const plan = runPlan(data.runConfig, data.llama);
  const { device, engine, microBatchSequences, recomputation, sentences } = await fitEngine(openDevice, plan, data.settings);
  void device.gpu.lost.then(({ message }) => answer({ kind: "lost", message: message || "no reason given" }));
  const adapter = device.adapter.description || device.adapter.architecture || device.adapter.vendor;
  const memory = { adapterBytes: device.memory.bytes, microBatchSequences, recomputation, sentences };
  const compileMs = Math.round(performance.now() - startedMs);
  answer({ kind: "ready", adapter, profile: device.profile, precision: engine.precision, compileMs, memory });
  return engine;
}

async function openDevice(): Promise<Device> {
  const device = await Device.create(await createDawn(data.dawnFlags), { profile: data.settings.profile });
  calmPolling(device.gpu);
  const deviation = deviationSentence(await selfTest(device));
  if (deviation !== null) throw new HostError("wrong-arithmetic", deviation);
  return device;
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

start().then(
  (engine) => {
    let last: Promise<void> = Promise.resolve();
    port.on("message", (request: EngineRequest) => {
      last = last.then(() => serve(engine, request));
    });
  },
  (error: Error) =>
    answer({
      kind: "failed",
      code: (error as HostError).code === "wrong-arithmetic" ? "wrong-arithmetic" : "engine",
      message: error.message,
    }),
);
