/** Options of `memory`. Those of `client` mean the same here. */
import { defineOptions } from "../defineOptions.ts";
import { adapter, configPath, device, deviceDoc } from "./shared.ts";
import { training } from "./training.ts";

export const memoryOptions = defineOptions({
  configPath: { ...configPath, doc: `${configPath.doc} Its model is what memory is asked for.` },
  checkpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    doc: "Folder of the Hugging Face checkpoint that tells the run's model, where its config does not.",
  },
  adapterMemory: {
    type: "number",
    unit: "GB",
    min: 0.01,
    max: 100_000,
    optional: true,
    doc: "Memory of the adapter, in 1e9 bytes, where another GPU than this machine's is asked about; left out = this machine's adapter is looked at.",
  },
  microBatchSize: training.microBatchSize,
  activationRecomputation: training.activationRecomputation,
  precision: training.precision,
  kernelProfile: training.kernelProfile,
  dataParallelism: training.dataParallelism,
  tensorParallelism: training.tensorParallelism,
  adapter,
  device: { ...device, default: "auto", env: null, doc: deviceDoc },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object instead of text." },
});
