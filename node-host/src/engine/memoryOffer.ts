/**
 * What memory there is for training: this machine's, and the adapter's where a driver tells it (WebGPU does not). NVIDIA's comes
 * from nvidia-smi, AMD's from sysfs; a software adapter's memory is the machine's. Anything else is not known.
 */
import { readdirSync, readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import type { RunConfig } from "@starling/config";
import type { MemoryOffer } from "@starling/trainer-core/train/engineSettings";
import { hostBytes } from "@starling/trainer-core/train/hostMemory";
import type { RunPlan } from "@starling/trainer-core/train/runPlan";
import { parseCards, systemNvidiaPlaces } from "../doctor/checks/nvidia.ts";

const MIB = 2 ** 20;
/** results of one round that can be applied exactly */
const MAX_RESULTS = 256;

export interface MachineMemory {
  totalBytes: number;
  /** what a new process can have, within this container's limit */
  availableBytes: number;
  /** free memory of the largest GPU; null where it cannot be told */
  adapterFreeBytes: number | null;
}

export async function machineMemory(
  queryCards: () => Promise<string> = () => systemNvidiaPlaces.query(AbortSignal.timeout(5_000)),
  drmFolder = "/sys/class/drm",
): Promise<MachineMemory> {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo"))?.[1];
  const limit = Number.parseInt(read("/sys/fs/cgroup/memory.max"), 10);
  const used = Number.parseInt(read("/sys/fs/cgroup/memory.current"), 10);
  const inContainer = Number.isFinite(limit) && Number.isFinite(used) ? Math.max(0, limit - used) : Infinity;
  const nvidia = await queryCards().then(parseCards, () => []);
  const free = [...nvidia.map((card) => card.freeMib * MIB), ...amdFreeBytes(drmFolder)].filter(Number.isFinite);
  return {
    totalBytes: Math.min(totalmem(), Number.isFinite(limit) ? limit : Infinity),
    availableBytes: Math.min(available === undefined ? freemem() : Number(available) * 1024, inContainer),
    adapterFreeBytes: free.length === 0 ? null : Math.max(...free),
  };
}

/** Of every card that the kernel's amdgpu driver shows. */
function amdFreeBytes(drmFolder: string): number[] {
  let cards: string[];
  try {
    cards = readdirSync(drmFolder).filter((name) => /^card\d+$/.test(name));
  } catch {
    return [];
  }
  return cards.map((card) => {
    const total = Number.parseInt(read(join(drmFolder, card, "device/mem_info_vram_total")), 10);
    return total - Number.parseInt(read(join(drmFolder, card, "device/mem_info_vram_used")), 10);
  });
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

/** What an engine of this process can have. `device` as `chooseAdapter` chose. */
export async function offerFor(device: "gpu" | "software", { config }: RunConfig, plan: RunPlan): Promise<MemoryOffer> {
  const { availableBytes, adapterFreeBytes } = await machineMemory();
  return memoryOffer(config, device === "software" ? Math.max(0, availableBytes - hostBytesOf(plan, config)) : adapterFreeBytes);
}
