/** The fastest tile of a product for each adapter that was measured: `npm run lab -- --write` (sweep.ts) writes tuning.json. */
import { KERNEL_PROFILES, type KernelProfile } from "../kernel.ts";
import { MATMUL_FORMS } from "../kernels/matmul.ts";
import { DEFAULT_TUNING, LEAST_LIMITS, SHAPE_CLASSES, tileFits, type MatmulTuning, type TileLimits } from "../kernels/matmulTiles.ts";
import table from "./tuning.json" with { type: "json" };

export interface TunedAdapter {
  vendor: string;
  architecture: string;
  /** its model */
  device: string;
  /** its driver with version */
  description: string;
}

/** Tiles by profile, form and class of shape, as tuning.json and a host's own file hold them. */
export type TuningEntry = { [P in KernelProfile]?: { [form: string]: { [shape: string]: string } } };

/** One line that tells adapters apart. Driver versions count: a compiler may turn the order round. */
export const adapterKey = ({ vendor, architecture, device, description }: TunedAdapter): string =>
  [vendor, architecture, device, description].map((part) => part.trim() || "?").join(" / ");

/** The entry's tiles; the defaults where it names none, or one that this adapter cannot run or that does not exist. */
export function tuningOf(entry: TuningEntry, limits: TileLimits = LEAST_LIMITS): MatmulTuning {
  const read = (profile: KernelProfile) =>
    Object.fromEntries(
      MATMUL_FORMS.map((form) => [
        form,
        Object.fromEntries(
          SHAPE_CLASSES.map((shape) => {
            const named = entry[profile]?.[form]?.[shape];
            const canRun = named !== undefined && tileFits(profile, named, limits);
            return [shape, canRun ? named : DEFAULT_TUNING[profile][form][shape]];
          }),
        ),
      ]),
    );
  return Object.fromEntries(KERNEL_PROFILES.map((profile) => [profile, read(profile)])) as unknown as MatmulTuning;
}

/** What was measured on this adapter; null where nothing was. A page is told no model and no driver: any of the same architecture serves. */
export function measuredEntry(adapter: TunedAdapter): TuningEntry | null {
  const entries: Record<string, TuningEntry> = table;
  const key = adapterKey(adapter);
  if (Object.hasOwn(entries, key)) return entries[key];
  if (adapter.device.trim() !== "" || adapter.description.trim() !== "" || adapter.architecture.trim() === "") return null;
  const family = adapterKey({ ...adapter, device: "", description: "" }).replace(/\? \/ \?$/, "");
  const found = Object.keys(entries).find((known) => known.startsWith(family));
  return found === undefined ? null : entries[found];
}
