/** A device for tests and golden cases in Node: the bundled software adapter, or the machine's own where the environment asks for it. */
import type { KernelProfile } from "@starling/shaders";
import { calmPolling, createDawn, DAWN_FLAGS, useBundledSoftwareDriver } from "./dawn.node.ts";
import { Device } from "./device.ts";

/** STARLING_TEST_ADAPTER=system tests the machine's own driver; the default is the adapter every machine can have. */
export function useTestDriver(): void {
  if (process.env["STARLING_TEST_ADAPTER"] !== "system") useBundledSoftwareDriver();
}

export async function createTestDevice(profile: KernelProfile | "auto" = "auto"): Promise<Device> {
  useTestDriver();
  const device = await Device.create(await createDawn(DAWN_FLAGS), { profile });
  calmPolling(device.gpu);
  return device;
}
