/** What the adapter is that a client here would train on. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AdapterFacts } from "@starling/trainer-core/device/countingGpu";
import { selectAdapters, usableGpus } from "../platform/adapters.ts";
import type { Sought } from "../platform/cards.ts";
import { listAdapters, type Driver } from "../platform/listAdapters.ts";

export interface AdapterReport {
  name: string;
  card: Sought;
  isSoftware: boolean;
  /** largest buffer that a kernel can bind */
  maxBufferBytes: number;
  hasF16: boolean;
  /** tensor cores */
  hasSubgroupMatrix: boolean;
  /** what of it training does without, and why, a sentence each */
  faults: readonly string[];
  /** what buffers depend on; null where it gave no device */
  facts: AdapterFacts | null;
  /** null before it ran; `deviation`: a sentence where something is wrong */
  selfTest: { compared: number; milliseconds: number; deviation: string | null } | null;
}

export type ProbeOutcome =
  | { kind: "found"; report: AdapterReport }
  | { kind: "none" }
  /** the driver took the process with it, or hung */
  | { kind: "crashed"; how: string };

export const PROBE_TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 1 << 16;

/** `name`: as Dawn has it; null: the first there is. */
function probeAdapter(driver: Driver, name: string | null, signal: AbortSignal): Promise<ProbeOutcome> {
  const script = fileURLToPath(new URL("./adapterProbe.ts", import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, driver, ...(name === null ? [] : [name])], {
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
    });
    let out = "";
    let lastWords = "";
    child.stdout.on("data", (chunk: Buffer) => (out = (out + chunk.toString()).slice(-MAX_OUTPUT)));
    child.stderr.on("data", (chunk: Buffer) => (lastWords = (lastWords + chunk.toString()).slice(-400)));
    child.once("error", (error) => resolve({ kind: "crashed", how: error.message }));
    child.once("close", (code, killedBy) => {
      try {
        const report = JSON.parse(out) as AdapterReport | null;
        resolve(report ? { kind: "found", report } : { kind: "none" });
      } catch {
        resolve({ kind: "crashed", how: killedBy ?? `exit code ${code}${lastWords ? `: ${lastWords.trim().split("\n").at(-1)}` : ""}` });
      }
    });
  });
}

/** As `client --device` chooses. `system`: what the machine's own drivers gave, where they were asked. */
export interface AdapterChoice {
  system: ProbeOutcome | null;
  used: ProbeOutcome;
  isBundled: boolean;
}

/** `selector`: `--adapter`, of which the first counts: it computes what all replicas share. One that means nothing here is passed over. */
export async function adapterFor(device: string, signal: AbortSignal, selector?: string): Promise<AdapterChoice> {
  let system: ProbeOutcome | null = null;
  if (device !== "software") {
    const name = await nameOf(selector, "system", signal);
    system = await probeAdapter("system", name, signal);
    if (name !== null) return { system, used: system, isBundled: false };
    // Mesa's software adapter may stand before the GPU
    const [gpu] = system.kind === "found" && system.report.isSoftware ? usableGpus(await listAdapters("system", signal)) : [];
    if (gpu !== undefined) system = await probeAdapter("system", gpu.name, signal);
    const isReal = system.kind === "found" && (!system.report.isSoftware || Boolean(process.env["VK_DRIVER_FILES"]));
    if (isReal || device === "gpu") return { system, used: system, isBundled: false };
  }
  return { system, used: await probeAdapter("software", await nameOf(selector, "software", signal), signal), isBundled: true };
}

async function nameOf(selector: string | undefined, driver: Driver, signal: AbortSignal): Promise<string | null> {
  if (selector === undefined) return null;
  try {
    return selectAdapters(selector, await listAdapters(driver, signal))[0].name;
  } catch {
    return null; // the check of all adapters says so
  }
}
