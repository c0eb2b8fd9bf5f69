/** `bench gpu` alone, the entry of what `bench gpu-pack` bundles for a machine without this repository. */
import { parseOptions } from "@starling/config";
import { runMain } from "../../runMain.ts";
import { benchGpu, benchGpuOptions } from "../gpu.ts";

runMain("bench gpu", async (argv) => ((await benchGpu(parseOptions(benchGpuOptions, argv))) ? 0 : 1));
