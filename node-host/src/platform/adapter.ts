/** Which adapters this machine trains on. */
import { useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import { HostError } from "../errors.ts";
import type { Sought } from "./cards.ts";
import { selectAdapters, usableGpus, type AdapterListing } from "./adapters.ts";
import { listAdapters } from "./listAdapters.ts";

/** What `--device` may say. `auto`: the machine's own driver where it gives an adapter, the bundled software one otherwise. */
export type DeviceChoice = "auto" | "gpu" | "software";

export interface ChosenAdapter {
  choice: "gpu" | "software";
  /** one sentence for the operator */
  sentence: string;
  /** what `--adapter` selected, or is not the first, by Dawn's names, in its order; empty: the first there is */
  adapters: string[];
  /** what training will be on; empty for the bundled software adapter */
  cards: readonly Sought[];
}

const SLOW = "some 50 times slower than a CPU library; good for trying out, not for training";

/** What `chooseAdapter` goes by. */
export interface AdapterWish {
  /** `--adapter` */
  selector?: string;
  /** how many devices will train */
  devices?: number;
}

/**
 * Decides, and where the software adapter is taken makes it visible to this process (main thread, before any worker starts).
 * Errors: HostError no-adapter when a GPU was demanded and there is none, or when `selector` (`--adapter`) means none or several.
 */
export async function chooseAdapter(device: DeviceChoice, { selector, devices = 1 }: AdapterWish = {}): Promise<ChosenAdapter> {
  const system = device === "software" ? [] : await listAdapters("system");
  if (selector !== undefined) return chooseNamed(device, selector, system);
  const gpus = usableGpus(system);
  const found = gpus[0] ?? system[0];
  if (found && (!found.isFallbackAdapter || device === "gpu" || process.env["VK_DRIVER_FILES"])) {
    if (devices > 1 && gpus.length >= devices) {
      const adapters = gpus.slice(0, devices);
      const names = adapters.map(({ name }) => name);
      return { choice: "gpu", sentence: `GPUs: ${adapters.map(nameOf).join(", ")}`, adapters: names, cards: adapters };
    }
    const sentence = found.isFallbackAdapter ? `software adapter of this machine: ${nameOf(found)}` : `GPU: ${nameOf(found)}`;
    return { choice: "gpu", sentence, adapters: found === system[0] ? [] : [found.name], cards: [found] };
  }
  if (device === "gpu") {
    throw new HostError(
      "no-adapter",
      "--device gpu was asked for, but no Vulkan driver here offers an adapter: install the NVIDIA driver, or use --device auto",
    );
  }
  useBundledSoftwareDriver();
  const why = device === "software" ? "--device software" : "no GPU found";
  return { choice: "software", sentence: `${why}: using the bundled software adapter (SwiftShader), ${SLOW}`, adapters: [], cards: [] };
}

async function chooseNamed(device: DeviceChoice, selector: string, system: readonly AdapterListing[]): Promise<ChosenAdapter> {
  const isBundled = device === "software" || (device === "auto" && system.length === 0);
  const chosen = selectAdapters(selector, isBundled ? await listAdapters("software") : system);
  if (isBundled) useBundledSoftwareDriver();
  const names = chosen.map(nameOf).join(", ");
  return {
    choice: isBundled ? "software" : "gpu",
    sentence: isBundled ? `--adapter ${selector}: the bundled software adapter (${names}), ${SLOW}` : `--adapter ${selector}: ${names}`,
    adapters: chosen.map(({ name }) => name),
    cards: isBundled ? [] : chosen,
  };
}

const nameOf = ({ description, name, isFallbackAdapter }: AdapterListing): string => (isFallbackAdapter ? description || name : name);
