/** The tiles that were measured on this machine's adapters, kept between runs in one file: ${XDG_CACHE_HOME:-~/.cache}/starling/tiles.json. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { adapterKey, type TuningEntry, type TuningStore } from "@starling/trainer-core/device/tuneProducts";

export const defaultTuningFile = (): string => join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "starling", "tiles.json");

/** A file that cannot be read or written costs a measurement, never a start. */
export function tuningStore(file = defaultTuningFile()): TuningStore {
  const load = async (): Promise<Record<string, TuningEntry>> => {
    try {
      const table: unknown = JSON.parse(await readFile(file, "utf8"));
      return typeof table === "object" && table !== null && !Array.isArray(table) ? (table as Record<string, TuningEntry>) : {};
    } catch {
      return {};
    }
  };
  return {
    read: async (adapter) => {
      const table = await load();
      const key = adapterKey(adapter);
      const entry = Object.hasOwn(table, key) ? table[key] : null;
      return typeof entry === "object" ? entry : null;
    },
    write: async (adapter, entry) => {
      const table = { ...(await load()), [adapterKey(adapter)]: entry };
      const fresh = `${file}.${process.pid}`;
      try {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(fresh, JSON.stringify(table, null, 2));
        await rename(fresh, file);
      } catch {
        // a read-only home: it is measured again next time
      }
    },
  };
}
