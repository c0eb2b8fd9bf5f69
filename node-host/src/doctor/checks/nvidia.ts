/** The NVIDIA driver, where there is such a card. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nvidiaSmi, parseCards, type NvidiaCard } from "../../platform/nvidiaSmi.ts";
import { fail, ok, skip, warn, type Check } from "../check.ts";

const NVIDIA_VENDOR = "0x10de";
/** PCI classes of display controllers begin with this */
const DISPLAY_CLASS = "0x03";

export interface NvidiaPlaces {
  /** of PCI devices: each has `vendor` and `class` */
  pciFolder: string;
  devFolder: string;
  /** as `nvidiaSmi` answers */
  query: (signal: AbortSignal) => Promise<string>;
}

export const systemNvidiaPlaces: NvidiaPlaces = { pciFolder: "/sys/bus/pci/devices", devFolder: "/dev", query: nvidiaSmi };

export function nvidia(places: NvidiaPlaces = systemNvidiaPlaces): Check {
  return {
    id: "nvidia",
    title: "NVIDIA driver",
    run: async (signal) => {
      const hasCard = cardsOnBus(places.pciFolder) > 0;
      const nodes = existsSync(places.devFolder) ? readdirSync(places.devFolder).filter((name) => /^nvidia\d+$/.test(name)) : [];
      if (!hasCard && nodes.length === 0) return skip("no NVIDIA card in this machine");
      if (nodes.length === 0) {
        return fail(
          "there is a card, but no /dev/nvidia0",
          "Install the NVIDIA driver and restart; in Docker start the container with --gpus all and NVIDIA_DRIVER_CAPABILITIES=all.",
        );
      }
      let cards: NvidiaCard[];
      try {
        cards = parseCards(await places.query(signal));
      } catch (error) {
        return fail(
          `${nodes.map((n) => `/dev/${n}`).join(", ")}, but nvidia-smi fails: ${(error as Error).message}`,
          "Restart the machine: after an update the loaded driver and its programs differ; if that does not help, install the driver again.",
        );
      }
      if (cards.length === 0) return fail("nvidia-smi names no card", "Install the NVIDIA driver again, and restart.");
      const found = cards.map((c) => `${c.name}, driver ${c.driver}, ${memory(c)}`).join("; ");
      if (!existsSync(join(places.devFolder, "nvidia-modeset")) && !existsSync(join(places.devFolder, "nvidiactl"))) {
        return warn(found, "Give the container all device nodes (NVIDIA_DRIVER_CAPABILITIES=all): Vulkan needs /dev/nvidiactl too.");
      }
      return ok(found);
    },
  };
}

/** A card that shares the machine's memory, or is cut into instances (MIG), has [N/A] there. */
const memory = ({ freeMib, totalMib }: NvidiaCard): string =>
  Number.isFinite(freeMib) && Number.isFinite(totalMib) ? `${freeMib} of ${totalMib} MiB free` : "its free memory is not told";

function cardsOnBus(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).filter((device) => {
    try {
      const read = (name: string) => readFileSync(join(folder, device, name), "utf8").trim();
      return read("vendor") === NVIDIA_VENDOR && read("class").startsWith(DISPLAY_CLASS);
    } catch {
      return false; // gone meanwhile, or not for us
    }
  }).length;
}
