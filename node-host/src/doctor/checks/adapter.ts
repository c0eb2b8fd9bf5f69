/** The adapter that a client here would train on, and whether it computes as all replicas must. */
import { PROBE_TIMEOUT_MS, type AdapterChoice, type AdapterReport } from "../adapterReport.ts";
import { fail, ok, skip, warn, type Check } from "../check.ts";

type Look = (signal: AbortSignal) => Promise<AdapterChoice>;

const DRIVER = "Install or update the driver of the GPU; until then use --device software.";

export function adapter(look: Look, device: string): Check {
  return {
    id: "adapter",
    title: "Adapter",
    timeoutMs: 2 * PROBE_TIMEOUT_MS,
    run: async (signal) => {
      const { system, used, isBundled } = await look(signal);
      if (device === "gpu" && system?.kind === "none") return fail("no Vulkan driver here offers an adapter", `${DRIVER}`);
      if (used.kind === "crashed") {
        const whose = isBundled ? "the bundled software adapter" : "the driver";
        const remedy = isBundled ? "Install Starling again with its optional packages (npm ci), or install a Vulkan driver." : DRIVER;
        return fail(`${whose} ended its process: ${used.how}`, remedy);
      }
      if (used.kind === "none")
        return fail("there is no adapter", "Install a Vulkan driver, or install Starling again with its optional packages (npm ci).");
      const found = describe(used.report);
      if (system?.kind === "crashed") return warn(`${found}; the machine's own driver crashed: ${system.how}`, DRIVER);
      const { faults } = used.report;
      if (faults.length > 0)
        return warn(`${found}; ${faults.join("; ")}`, "It trains, more slowly or in more memory. Update the driver of the GPU.");
      if (isBundled && device !== "software") {
        return warn(
          `${found}: no GPU found`,
          "Install the driver of the GPU to train in earnest; the software adapter is some 50 times slower than a CPU library.",
        );
      }
      return ok(found);
    },
  };
}

function describe({ name, maxBufferBytes, hasF16, hasSubgroupMatrix }: AdapterReport): string {
  const can = [hasF16 ? "f16" : "no f16", hasSubgroupMatrix ? "tensor cores" : "no tensor cores"];
  return `${name}; ${can.join(", ")}; buffers up to ${Math.round(maxBufferBytes / 2 ** 20)} MiB`;
}

export function arithmetic(look: Look): Check {
  return {
    id: "arithmetic",
    title: "Exact arithmetic",
    timeoutMs: 2 * PROBE_TIMEOUT_MS,
    run: async (signal) => {
      const { used } = await look(signal);
      if (used.kind !== "found" || !used.report.selfTest) return skip("there is no adapter to test");
      const { compared, milliseconds, deviation } = used.report.selfTest;
      if (deviation !== null) {
        return fail(
          deviation,
          "Do not train on this adapter: its parameters would not be those of the others. Update its driver, or use --device software.",
        );
      }
      return ok(
        `${compared.toLocaleString("en")} values equal their definition (${(milliseconds / 1000).toFixed(1)} s, compiling included)`,
      );
    },
  };
}
