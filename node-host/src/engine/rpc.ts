/**
 * The engine lives in a worker thread, so that Dawn's calls never hold up the network (libp2p hangs up on a peer whose event
 * loop stands still). This is the wire between the two: one request, one answer, in order.
 */
import type { KernelProfile } from "@starling/trainer-core/device/device";
import type { LlamaConfig, RunConfig } from "@starling/config";
import type { Engine } from "@starling/trainer-core/round/ports";
import type { KeepsState } from "@starling/trainer-core/train/engineState";
import type { EngineSettings } from "@starling/trainer-core/train/engineSettings";
import type { ChosenPrecision } from "@starling/trainer-core/train/precision";

/** How much of the adapter the engine took, and in what passes it trains. */
export interface EngineMemory {
  adapterBytes: number;
  microBatchSequences: number;
  recomputation: boolean;
  /** what was chosen and why, one a line, for the operator */
  sentences: readonly string[];
}

/** What the worker thread is started with. */
export interface EngineWorkerData {
  runConfig: RunConfig;
  llama: LlamaConfig;
  settings: EngineSettings;
  dawnFlags: readonly string[];
}

/** Every call of the engine that crosses; `checkPayload` is pure and stays with the caller. */
export type RemoteMethods = Required<Omit<Engine, "checkPayload" | "holdsPart">> & KeepsState;
export type RemoteMethod = keyof RemoteMethods;

export interface EngineRequest {
  id: number;
  method: RemoteMethod;
  args: unknown[];
}

/** Closes the devices and ends the thread, in the middle of whatever it does. */
export const END = "end";

export type EngineAnswer =
  | { kind: "ready"; adapter: string; profile: KernelProfile; precision: ChosenPrecision; compileMs: number; memory: EngineMemory }
  | { kind: "failed"; code: "engine" | "wrong-arithmetic" | "bad-option"; message: string }
  /** the device is gone, and no call will be answered any more */
  | { kind: "lost"; message: string }
  | { kind: "result"; id: number; value: unknown }
  | { kind: "error"; id: number; name: string; code: string; message: string };
