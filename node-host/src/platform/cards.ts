/** The graphics cards of which a driver tells how much memory is free (WebGPU does not): NVIDIA's by nvidia-smi, AMD's by sysfs. */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { nvidiaSmi, parseCards } from "./nvidiaSmi.ts";

const MIB = 2 ** 20;
const PATIENCE_MS = 5_000;

export interface Card {
  /** model; null: not told */
  name: string | null;
  /** 0000:01:00.0 */
  pciId: string;
  freeBytes: number;
}

/** An adapter as Dawn knows it: by its model, and its place on the bus where that could be found out. */
export interface Sought {
  name: string;
  pciId: string | null;
}

/** In no order. Rejects never: a driver that does not answer has none. */
export async function cards(
  query: () => Promise<string> = () => nvidiaSmi(AbortSignal.timeout(PATIENCE_MS)),
  drmFolder = "/sys/class/drm",
): Promise<Card[]> {
  const nvidia = await query().then(parseCards, () => []);
  const found: Card[] = [...nvidia.map(({ name, pciId, freeMib }) => ({ name, pciId, freeBytes: freeMib * MIB })), ...amdCards(drmFolder)];
  return found.filter(({ freeBytes }) => Number.isFinite(freeBytes));
}

/** Every card that the kernel's amdgpu driver shows. */
function amdCards(drmFolder: string): Card[] {
  let names: string[];
  try {
    names = readdirSync(drmFolder).filter((name) => /^card\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const device = join(drmFolder, name, "device");
    try {
      const bytes = (kind: string) => Number.parseInt(readFileSync(join(device, `mem_info_vram_${kind}`), "utf8"), 10);
      return [{ name: null, pciId: basename(realpathSync(device)), freeBytes: bytes("total") - bytes("used") }];
    } catch {
      return []; // another driver's
    }
  });
}

/** Of one adapter; of several of its model the fullest, where they cannot be told apart. Null: not known. */
export function freeBytesOf({ name, pciId }: Sought, known: readonly Card[]): number | null {
  const there = known.filter((card) => card.pciId === pciId);
  const meant = there.length > 0 ? there : known.filter((card) => card.name !== null && modelKey(card.name) === modelKey(name));
  return meant.length === 0 ? null : Math.min(...meant.map(({ freeBytes }) => freeBytes));
}

/** What each of the adapters has, those not known left out; of none known the largest card, which a driver gives first. Null: not known. */
export function leastFreeBytes(sought: readonly Sought[], known: readonly Card[]): number | null {
  const free = sought.map((one) => freeBytesOf(one, known)).filter((bytes) => bytes !== null);
  if (free.length > 0) return Math.min(...free);
  return known.length === 0 ? null : Math.max(...known.map(({ freeBytes }) => freeBytes));
}

/** Dawn writes nvidia-geforce-rtx-4090 in one place, NVIDIA GeForce RTX 4090 in another. */
const modelKey = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
