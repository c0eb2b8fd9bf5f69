/** What memory there is for training: this machine's, which a software adapter's is too, and that of its graphics cards. */
import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import type { RunConfig } from "@starling/config";
import type { MemoryOffer } from "@starling/trainer-core/train/engineSettings";
import { hostBytes } from "@starling/trainer-core/train/hostMemory";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import type { ChosenAdapter } from "../platform/adapter.ts";
import { cards, leastFreeBytes } from "../platform/cards.ts";

/** results of one round that can be applied exactly */
const MAX_RESULTS = 256;

export interface MachineMemory {
  totalBytes: number;
  /** what a new process can have, within this container's limit */
  availableBytes: number;
}

export function machineMemory(): MachineMemory {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo"))?.[1];
  const limit = Number.parseInt(read("/sys/fs/cgroup/memory.max"), 10);
  const used = Number.parseInt(read("/sys/fs/cgroup/memory.current"), 10);
  const inContainer = Number.isFinite(limit) && Number.isFinite(used) ? Math.max(0, limit - used) : Infinity;
  return {
    totalBytes: Math.min(totalmem(), Number.isFinite(limit) ? limit : Infinity),
    availableBytes: Math.min(available === undefined ? freemem() : Number(available) * 1024, inContainer),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function batchesPerRound(config: RunConfig["config"]): number {
  return Math.min(MAX_RESULTS, config.global_batch_size_end);
}

/** About what training takes of this machine's memory beside the adapter's. */
export function hostBytesOf(plan: RunPlan, config: RunConfig["config"]): number {
  return hostBytes(plan, batchesPerRound(config));
}

/** `adapterBytes` null: not known. A round has no fewer members than the run starts with, so none has a larger share than this. */
export function memoryOffer(config: RunConfig["config"], adapterBytes: number | null): MemoryOffer {
  return {
    adapterBytes,
    shareSequences: Math.ceil(config.global_batch_size_end / Math.max(1, config.min_clients)),
    batchesPerRound: batchesPerRound(config),
  };
}

/** What an engine of this process can have. */
export async function offerFor({ choice, cards: chosen }: ChosenAdapter, { config }: RunConfig, plan: RunPlan): Promise<MemoryOffer> {
  if (choice === "software") return memoryOffer(config, Math.max(0, machineMemory().availableBytes - hostBytesOf(plan, config)));
  return memoryOffer(config, leastFreeBytes(chosen, await cards()));
}
