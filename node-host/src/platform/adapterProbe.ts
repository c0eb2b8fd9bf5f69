/**
 * Child process of listAdapters.ts: prints the adapters that Dawn finds, as JSON. A driver that crashes takes only this process with it.
 * Argument: `system` (the machine's drivers) or `software` (the bundled one).
 */
import { createDawn, DAWN_FLAGS, useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { Device } from "@starling/trainer-core/device/device";
import { isReachable, namesInRefusal, withPciIds, type AdapterListing } from "./adapters.ts";
import { pciDevices } from "./pciDevices.ts";

/** No adapter's name has this in it: Dawn then says which ones there are. */
const NO_ADAPTER = "adapter=\u0001";

async function names(): Promise<string[]> {
  try {
    const gpu = await createDawn([...DAWN_FLAGS, NO_ADAPTER]);
    // in the order in which training asks
    await gpu.requestAdapter({ powerPreference: "high-performance" });
    return [];
  } catch (error) {
    return namesInRefusal((error as Error).message);
  }
}

async function look(name: string, isOpened: boolean): Promise<Omit<AdapterListing, "index" | "pciId">> {
  const unknown = { name, vendor: "", description: name, isFallbackAdapter: false, maxBufferBytes: 0, features: [], profile: "" };
  if (!isOpened) return unknown;
  try {
    const device = await Device.create(await createDawn([...DAWN_FLAGS, `adapter=${name}`]));
    const { vendor, description, isFallbackAdapter } = device.adapter;
    const { profile, bindingLimitBytes: maxBufferBytes } = device;
    return { name, vendor, description, isFallbackAdapter, maxBufferBytes, features: [...device.gpu.features].map(String), profile };
  } catch (error) {
    return { ...unknown, description: `${name}: ${(error as Error).message}` };
  }
}

async function list(): Promise<AdapterListing[]> {
  if (process.argv[2] === "software") useBundledSoftwareDriver();
  const found: Omit<AdapterListing, "index" | "pciId">[] = [];
  const all = (await names()).map((name) => ({ name }));
  for (const [index, { name }] of all.entries()) found.push(await look(name, isReachable(all, index)));
  // of one that cannot be opened, what its namesake is
  const known = found.map((adapter) =>
    adapter.vendor === "" ? { ...(found.find(({ name }) => name === adapter.name) ?? adapter) } : adapter,
  );
  return withPciIds(known, pciDevices()).map((adapter, index) => ({ ...adapter, index }));
}

process.stdout.write(JSON.stringify(await list()), () => process.exit(0));
