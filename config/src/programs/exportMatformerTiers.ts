/** Options of `export-matformer-tiers`. */
import { defineOptions } from "../defineOptions.ts";

export const exportMatformerTiersOptions = defineOptions({
  checkpoint: {
    type: "string",
    unit: "path",
    minBytes: 1,
    aliases: ["--src"],
    env: null,
    doc: "Folder of a Hugging Face checkpoint of the whole model: config.json, safetensors (single or sharded; F32, F16 or BF16), tokenizer files.",
  },
  tiers: {
    type: "integers",
    unit: "tier",
    min: 1,
    max: 16,
    minLength: 1,
    maxLength: 16,
    env: null,
    doc: "Tiers to write, as in 1,2: tier N has the first intermediate_size / 2^N neurons of every feed-forward block.",
  },
  out: {
    type: "string",
    unit: "path",
    minBytes: 1,
    optional: true,
    env: null,
    doc: "Folder in which NAME-tierN is made for each tier, NAME being that of the checkpoint's folder; left out = beside the checkpoint.",
  },
  compressionChunk: {
    type: "integer",
    unit: "elements",
    min: 1,
    max: 64,
    default: 64,
    env: null,
    doc: "compression_chunk of the run that the tiers are for: the manifest holds the whole model's hash in it, by which a sliced client tells which parameters it holds a part of.",
  },
  json: { type: "boolean", default: false, env: null, doc: "Print one JSON object instead of text." },
});
