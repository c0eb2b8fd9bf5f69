/**
 * Which adapter this machine trains on. A Vulkan driver has to be chosen before Dawn first looks for one, and a failed look
 * cannot be taken back, so a short-lived child process looks first.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { useBundledSoftwareDriver } from "@starling/trainer-core/device/dawn.node";
import type { AdapterDescription } from "@starling/trainer-core/device/device";
import { HostError } from "../errors.ts";

/** What `--device` may say. `auto`: the machine's own driver where it gives an adapter, the bundled software one otherwise. */
export type DeviceChoice = "auto" | "gpu" | "software";

export interface ChosenAdapter {
  choice: "gpu" | "software";
  /** one sentence for the operator */
  sentence: string;
}

const PROBE_TIMEOUT_MS = 20_000;

/** The adapter Dawn finds with the machine's own drivers, or null. */
export function probeSystemAdapter(): Promise<AdapterDescription | null> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", fileURLToPath(new URL("./adapterProbe.ts", import.meta.url))],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const timer = setTimeout(() => child.kill("SIGKILL"), PROBE_TIMEOUT_MS);
    child.on("error", () => resolve(null));
    child.on("close", () => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(out) as AdapterDescription | null);
      } catch {
        resolve(null); // a driver that crashes Dawn is no driver
      }
    });
  });
}

/**
 * Decides, and where the software adapter is taken makes it visible to this process (main thread, before any worker starts).
 * Errors: HostError no-adapter when a GPU was demanded and there is none.
 */
export async function chooseAdapter(device: DeviceChoice): Promise<ChosenAdapter> {
  if (device !== "software") {
    const found = await probeSystemAdapter();
    const name = found ? found.description || found.architecture || found.vendor : "";
    if (found && (!found.isFallbackAdapter || device === "gpu" || process.env["VK_DRIVER_FILES"])) {
      return { choice: "gpu", sentence: found.isFallbackAdapter ? `software adapter of this machine: ${name}` : `GPU: ${name}` };
    }
    if (device === "gpu") {
      throw new HostError(
        "no-adapter",
        "--device gpu was asked for, but no Vulkan driver here offers an adapter: install the NVIDIA driver, or use --device auto",
      );
    }
  }
  useBundledSoftwareDriver();
  const why = device === "software" ? "--device software" : "no GPU found";
  return {
    choice: "software",
    sentence: `${why}: using the bundled software adapter (SwiftShader), some 50 times slower than a CPU library; good for trying out, not for training`,
  };
}
