/** The devices of an engine, each on its adapter; several of one adapter are logical devices of it. For the engine's thread. */
import { calmPolling, createDawn } from "@starling/trainer-core/device/dawn.node";
import type { Device } from "@starling/trainer-core/device/device";
import { adapterName } from "@starling/trainer-core/device/features";
import { openDevice } from "@starling/trainer-core/device/openDevice";
import { tuneProducts } from "@starling/trainer-core/device/tuneProducts";
import { spreadOf } from "@starling/trainer-core/parallel/parallelism";
import type { EngineSettings } from "@starling/trainer-core/train/engineSettings";
import { deviationSentence, selfTest } from "@starling/trainer-core/train/selfTest";
import { HostError } from "../errors.ts";
import { tuningStore } from "./tuningStore.ts";

/**
 * What measuring tiles may take at the first start on a GPU that nobody has measured. What is not reached then is never measured: mostly
 * it compiles, fifteen pipelines for tensor cores.
 */
const TUNING_BUDGET_MS = 15_000;

/**
 * The first computes what all replicas must agree on, so its arithmetic is tested. Errors: HostError wrong-arithmetic, ParallelError,
 * DeviceError (no-adapter, no-device).
 */
export async function openDevices(settings: EngineSettings, dawnFlags: readonly string[]): Promise<Device[]> {
  const { adapters } = spreadOf(settings);
  const gpus = new Map<string | null, GPU>();
  const devices: Device[] = [];
  try {
    for (const adapter of adapters) {
      let gpu = gpus.get(adapter);
      if (!gpu) {
        gpu = await createDawn(adapter === null ? dawnFlags : [...dawnFlags, `adapter=${adapter}`]);
        gpus.set(adapter, gpu);
      }
      const device = await openDevice(gpu, { profile: settings.profile });
      devices.push(device);
      calmPolling(device.gpu);
    }
    const deviation = deviationSentence(await selfTest(devices[0]));
    if (deviation !== null) throw new HostError("wrong-arithmetic", deviation);
    // one after the other: logical devices of one adapter would time each other, and the second finds what the first has stored
    for (const device of devices) await tuneProducts(device, tuningStore(), { budgetMs: TUNING_BUDGET_MS });
    return devices;
  } catch (error) {
    for (const device of devices) device.dispose();
    throw error;
  }
}

/** For people: each adapter once, with how many devices are on it. */
export function describeDevices(devices: readonly Device[]): string {
  const counts = new Map<string, number>();
  for (const { adapter } of devices) {
    const name = adapterName(adapter);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} devices of ${name}`)).join(", ");
}
