/**
 * The adapters of a machine, and which of them `--adapter` means. Dawn takes an adapter by a part of its name and gives the first that
 * has it: of two with the same name, the second cannot be had in one process.
 */
import { HostError } from "../errors.ts";

export interface AdapterListing {
  /** as Dawn counts */
  index: number;
  /** as Dawn has it; what it is opened by */
  name: string;
  /** in the form 0000:01:00.0; null where it has none or it cannot be told apart from others */
  pciId: string | null;
  vendor: string;
  description: string;
  isFallbackAdapter: boolean;
  /** largest buffer that a kernel can bind; 0 where the adapter cannot be opened by its name */
  maxBufferBytes: number;
  features: readonly string[];
  /** the kernels that `--kernel-profile auto` takes on it */
  profile: string;
}

/** The names in the sentence with which Dawn refuses an adapter that is not there, in its order. */
export function namesInRefusal(message: string): string[] {
  return [...message.matchAll(/^ \* backend: '[^']*', name: '(.*)'$/gm)].map(([, name]) => name);
}

/** Whether Dawn gives the adapter of this index when asked for its name. */
export function isReachable(adapters: readonly { name: string }[], index: number): boolean {
  return adapters.findIndex(({ name }) => name.includes(adapters[index].name)) === index;
}

/** GPUs that give a device when asked for by name, in Dawn's order: not the software adapter that Mesa installs beside them. */
export function usableGpus<T extends Pick<AdapterListing, "name" | "isFallbackAdapter" | "maxBufferBytes">>(adapters: readonly T[]): T[] {
  return adapters.filter(
    ({ isFallbackAdapter, maxBufferBytes }, index) => !isFallbackAdapter && maxBufferBytes > 0 && isReachable(adapters, index),
  );
}

export interface PciDevice {
  /** 0000:01:00.0 */
  id: string;
  /** vendor's number, such as 0x10de */
  vendorId: number;
  /** where a driver tells it */
  model: string | null;
}

const VENDOR_IDS: Readonly<Record<string, number>> = { nvidia: 0x10de, amd: 0x1002, intel: 0x8086 };

/** PCI ids by what the machine itself says of its graphics devices: by the model's name, else where only one can be meant. */
export function withPciIds<T extends Pick<AdapterListing, "name" | "vendor" | "isFallbackAdapter">>(
  adapters: readonly T[],
  devices: readonly PciDevice[],
): (T & { pciId: string | null })[] {
  return adapters.map((adapter) => {
    const alike = adapters.filter(({ name }) => name === adapter.name);
    const sameVendor = adapters.filter(({ vendor, isFallbackAdapter }) => vendor === adapter.vendor && !isFallbackAdapter);
    const byModel = devices.filter(({ model }) => model === adapter.name);
    const byVendor = devices.filter(({ vendorId }) => vendorId === VENDOR_IDS[adapter.vendor]);
    let pciId: string | null = null;
    if (!adapter.isFallbackAdapter) {
      // several of one model: both lists are in the order of the bus
      if (byModel.length > 0 && byModel.length === alike.length) pciId = byModel[alike.indexOf(adapter)].id;
      else if (byVendor.length === 1 && sameVendor.length === 1) pciId = byVendor[0].id;
    }
    return { ...adapter, pciId };
  });
}

/** One line an adapter: `0: NVIDIA GeForce RTX 4090 (0000:01:00.0)`. */
export function adapterLine({ index, name, pciId }: Pick<AdapterListing, "index" | "name" | "pciId">): string {
  return `${index}: ${name}${pciId === null ? "" : ` (${pciId})`}`;
}

type Known = Pick<AdapterListing, "index" | "name" | "pciId">;

/**
 * The adapters that a selector means, in its order: parts separated by commas, each an index, a PCI id (0000: may be left out) or a part
 * of a name. Errors: HostError no-adapter, a sentence that lists them, where a part means none or several, or one twice.
 */
export function selectAdapters<T extends Known>(selector: string, adapters: readonly T[]): T[] {
  const listed = adapters.length === 0 ? "there are none here" : `there are ${adapters.map(adapterLine).join("; ")}`;
  const refuse = (what: string): never => {
    throw new HostError("no-adapter", `--adapter ${selector}: ${what}; ${listed}`);
  };
  const chosen: T[] = [];
  for (const part of selector.split(",").map((text) => text.trim())) {
    if (part === "") refuse("a part between commas is empty");
    const found = matching(part, adapters);
    if (found.length === 0) refuse(`no adapter is meant by "${part}"`);
    if (found.length > 1) refuse(`"${part}" means ${found.length} adapters: give an index or a PCI id`);
    const [adapter] = found;
    if (chosen.includes(adapter))
      refuse(`adapter ${adapter.index} is named twice; several devices of one adapter are made by naming it once`);
    if (!isReachable(adapters, adapters.indexOf(adapter))) {
      const pci = adapter.pciId === null ? "" : ` (with Mesa's device-select layer: DRI_PRIME=pci-${adapter.pciId.replace(/[:.]/g, "_")})`;
      refuse(
        `adapter ${adapter.index} bears the name of one before it, and Dawn opens the first of a name. Start one daemon for each GPU and let it see only its own, as Docker's --gpus device=${adapter.index} does${pci}`,
      );
    }
    chosen.push(adapter);
  }
  return chosen;
}

/** nvidia-smi writes the domain with eight digits, and in capitals. */
export const shortPciId = (id: string): string => id.toLowerCase().replace(/^0*([0-9a-f]{4}:)(?=[0-9a-f]{2}:)/, "$1");

function matching<T extends Known>(part: string, adapters: readonly T[]): T[] {
  if (/^\d+$/.test(part)) return adapters.filter(({ index }) => index === Number(part));
  const lower = part.toLowerCase();
  if (/^([0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(lower)) {
    const short = shortPciId(lower);
    return adapters.filter(({ pciId }) => pciId === short || pciId === `0000:${short}`);
  }
  const exact = adapters.filter(({ name }) => name.toLowerCase() === lower);
  return exact.length > 0 ? exact : adapters.filter(({ name }) => name.toLowerCase().includes(lower));
}
