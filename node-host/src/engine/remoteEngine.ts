/** The engine as the main thread sees it: every call goes to the worker thread that owns the GPU. */
import { Worker } from "node:worker_threads";
import type { RunConfig } from "@starling/config";
import { DAWN_FLAGS } from "@starling/trainer-core/device/dawn.node";
import type { KernelProfile } from "@starling/trainer-core/device/device";
import type { BeginRound, InferenceAnswer, InferenceRequest, TrainBatch, Trained } from "@starling/trainer-core/round/ports";
import type { EngineState } from "@starling/trainer-core/train/engineState";
import { WHOLE_MODEL } from "@starling/trainer-core/model/matformer";
import type { EngineSettings } from "@starling/trainer-core/train/engineSettings";
import type { ChosenPrecision } from "@starling/trainer-core/train/precision";
import type { MortalEngine } from "@starling/trainer-core/train/steadyEngine";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import { HostError } from "../errors.ts";
import { END, type EngineAnswer, type EngineMemory, type EngineWorkerData, type RemoteMethod, type RemoteMethods } from "./rpc.ts";

export interface RemoteEngineOptions {
  runConfig: RunConfig;
  plan: RunPlan;
  settings: EngineSettings;
  dawnFlags?: readonly string[];
  /** the worker died: no later call will be answered */
  onDeath?: (error: HostError) => void;
}

const REFUSALS = {
  engine: "the engine did not start",
  "bad-option": "the engine cannot be started with these options",
  "wrong-arithmetic":
    "this machine cannot take part, since its parameters would differ from everyone else's. Install another driver version, or train with --device software",
} as const;

/** A thread that has not closed its devices by then is stuck in one, and is ended as it is. */
const END_MS = 10_000;

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export class RemoteEngine implements MortalEngine {
  readonly adapter: string;
  readonly profile: KernelProfile;
  readonly precision: ChosenPrecision;
  readonly compileMs: number;
  readonly memory: EngineMemory;
  readonly holdsPart: boolean;
  readonly checkPayload: (payload: Uint8Array) => void;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #pending: Map<number, Pending>;
  #nextId = 0;
  #dead: HostError | null = null;
  #ending: Promise<void> | null = null;

  private constructor(
    worker: Worker,
    pending: Map<number, Pending>,
    options: RemoteEngineOptions,
    ready: Extract<EngineAnswer, { kind: "ready" }>,
  ) {
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once("exit", resolve));
    this.#pending = pending;
    this.adapter = ready.adapter;
    this.profile = ready.profile;
    this.precision = ready.precision;
    this.compileMs = ready.compileMs;
    this.memory = ready.memory;
    const { tier, sliced } = options.settings.matformer ?? WHOLE_MODEL;
    this.holdsPart = sliced && tier > 0;
    this.checkPayload = options.plan.checkPayload;
  }

  /** Starts the worker; resolves when every pipeline is compiled. Errors: HostError engine. */
  static create(options: RemoteEngineOptions): Promise<RemoteEngine> {
    const { runConfig, plan, settings } = options;
    const data: EngineWorkerData = {
      runConfig,
      llama: plan.llama,
      settings,
      dawnFlags: options.dawnFlags ?? DAWN_FLAGS,
    };
    const worker = new Worker(new URL("./engineWorker.ts", import.meta.url), { workerData: data });
    const pending = new Map<number, Pending>();
    return new Promise((resolve, reject) => {
      let engine: RemoteEngine | null = null;
      const die = (message: string) => {
        const error = new HostError("engine", message);
        if (!engine) return reject(error);
        if (engine.#dead) return; // stopped by us, or dead already
        engine.#die(error);
        options.onDeath?.(error);
      };
      worker.on("message", (answer: EngineAnswer) => {
        switch (answer.kind) {
          case "ready":
            engine = new RemoteEngine(worker, pending, options, answer);
            return resolve(engine);
          case "failed":
            return reject(new HostError(answer.code, `${REFUSALS[answer.code]}: ${answer.message}`));
          case "lost":
            die(`the GPU was lost: ${answer.message}`);
            return void (engine === null ? worker.terminate() : engine.stop());
          case "result":
            pending.get(answer.id)?.resolve(answer.value);
            return void pending.delete(answer.id);
          case "error":
            pending.get(answer.id)?.reject(Object.assign(new Error(answer.message), { name: answer.name, code: answer.code }));
            return void pending.delete(answer.id);
        }
      });
      worker.on("error", (error) => die(`the engine's thread failed: ${error.message}`));
      worker.on("exit", (code) => {
        if (code !== 0) die(`the engine's thread ended with ${code}`);
      });
    });
  }

  #die(error: HostError): void {
    this.#dead = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #call<M extends RemoteMethod>(method: M, ...args: Parameters<RemoteMethods[M]>): ReturnType<RemoteMethods[M]> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#dead) return reject(this.#dead);
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args });
    }) as ReturnType<RemoteMethods[M]>;
  }

  startEpoch(): Promise<void> {
    return this.#call("startEpoch");
  }
  beginRound(round: BeginRound): Promise<void> {
    return this.#call("beginRound", round);
  }
  train(batch: TrainBatch): Promise<Trained> {
    return this.#call("train", batch);
  }
  parameterHash(): Promise<Uint8Array> {
    return this.#call("parameterHash");
  }
  parameterLeaves(): Promise<Uint8Array> {
    return this.#call("parameterLeaves");
  }
  evaluate(sequences: readonly Int32Array[]): Promise<number> {
    return this.#call("evaluate", sequences);
  }
  exportParameters(): Promise<Map<string, Float32Array>> {
    return this.#call("exportParameters");
  }
  matchesLeaves(leaves: Uint8Array): Promise<boolean> {
    return this.#call("matchesLeaves", leaves);
  }
  importParameters(parameters: ReadonlyMap<string, Float32Array>, partOf?: Uint8Array): Promise<void> {
    return this.#call("importParameters", parameters, partOf);
  }

  exportState(): Promise<EngineState> {
    return this.#call("exportState");
  }
  importState(state: EngineState): Promise<void> {
    return this.#call("importState", state);
  }

  importStart(): Promise<void> {
    return this.#call("importStart");
  }

  infer(request: InferenceRequest): Promise<InferenceAnswer> {
    return this.#call("infer", request);
  }

  /** A call under way is rejected. */
  stop(): Promise<void> {
    this.#dead ??= new HostError("engine", "the engine was stopped");
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#worker.postMessage(END);
    const timer = setTimeout(() => void this.#worker.terminate(), END_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
