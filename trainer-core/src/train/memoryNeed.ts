/**
 * What a run takes of an adapter and of this machine's memory. The adapter's share is exact: the engine itself is made, on a GPU that
 * only counts.
 */
import { countingGpu, TYPICAL_GPU, type AdapterFacts } from "../device/countingGpu.ts";
import { Device } from "../device/device.ts";
import { spreadOf } from "../parallel/parallelism.ts";
import { TrainingEngine, type EngineOptions } from "./engine.ts";
import type { EngineSettings } from "./engineSettings.ts";
import { hostBytes, type MemoryNeed } from "./hostMemory.ts";
import type { RunPlan } from "./runPlan.ts";

export interface MemoryNeedOptions extends EngineOptions {
  profile?: EngineSettings["profile"];
  /** results that a round applies */
  batchesPerRound: number;
  /** default: WebGPU on an NVIDIA card */
  adapter?: AdapterFacts;
}

/** Errors: DeviceError too-large where a buffer is larger than the adapter binds. */
export async function memoryNeed(
  plan: RunPlan,
  { batchesPerRound, adapter = TYPICAL_GPU, profile, ...options }: MemoryNeedOptions,
): Promise<MemoryNeed> {
  const device = await Device.create(countingGpu(adapter), { profile });
  const { gpu } = device;
  const createBuffer = gpu.createBuffer;
  let bindingBytes = 0;
  gpu.createBuffer = (descriptor) => {
    bindingBytes = Math.max(bindingBytes, descriptor.size);
    return createBuffer(descriptor);
  };
  const { adapters } = spreadOf(options);
  const otherDevices = await Promise.all(adapters.slice(1).map(() => Device.create(countingGpu(adapter), { profile })));
  const engine = await TrainingEngine.allocate(device, plan, { ...options, otherDevices });
  await engine.distro.reserve(batchesPerRound);
  // logical devices of one adapter share its memory; of several, the first has most to hold
  const sharing = new Set(adapters).size === 1 ? [device, ...otherDevices] : [device];
  const adapterBytes = sharing.reduce((sum, { memory }) => sum + memory.bytes, 0);
  return { adapterBytes, hostBytes: hostBytes(plan, batchesPerRound), bindingBytes };
}
