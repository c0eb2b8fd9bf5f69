import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AdapterListing } from "./adapters.ts";

/** `system`: the machine's own; `software`: the bundled one. */
export type Driver = "system" | "software";

/** Without its persistence daemon NVIDIA's driver starts every card anew for each process, seconds a card. */
const TIMEOUT_MS = 60_000;

/**
 * The adapters that Dawn finds with a driver. A driver has to be chosen before Dawn first looks for one, and a look cannot be taken back:
 * so a short-lived child process looks. A driver that crashes or hangs Dawn has none.
 */
export function listAdapters(driver: Driver, signal?: AbortSignal): Promise<AdapterListing[]> {
  return new Promise((resolve) => {
    const script = fileURLToPath(new URL("./adapterProbe.ts", import.meta.url));
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, driver], {
      stdio: ["ignore", "pipe", "ignore"],
      signal,
      killSignal: "SIGKILL",
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    child.on("error", () => resolve([]));
    child.on("close", () => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(out) as AdapterListing[]);
      } catch {
        resolve([]);
      }
    });
  });
}
