/** Which precision a machine trains a model in. Master parameters, gradients of weights, sums and all that is shared stay f32. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { F32_STORAGES, type KernelStorages } from "@starling/shaders/kernels/storage";
import type { Device } from "../device/device.ts";
import { adapterName } from "../device/features.ts";
import { TrainError } from "./errors.ts";

/**
 * - f32: everywhere
 * - f16: weights and activations are stored as halves, sums are f32; needs `shader-f16`
 * - packed-f16: the same halves, two in a word, on adapters without `shader-f16`
 */
export const PRECISIONS = ["f32", "f16", "packed-f16"] as const;
export type Precision = (typeof PRECISIONS)[number];

export const STORAGES_OF: Readonly<Record<Precision, KernelStorages>> = {
  f32: F32_STORAGES,
  f16: { activations: "f16", weights: "f16" },
  "packed-f16": { activations: "packed", weights: "packed" },
};

export interface ChosenPrecision {
  precision: Precision;
  /** in a few words */
  reason: string;
}

/** Why a model's tensors cannot be stored so; null where they can. Kernels take four neighbours at once, those of packed halves always. */
function oddWidth({ hiddenSize, intermediateSize, headDim, vocabSize }: LlamaConfig, precision: Precision): string | null {
  const most = { "hidden size": hiddenSize, "intermediate size": intermediateSize, "head dimension": headDim };
  const widths: Record<Precision, Record<string, number>> = { f32: {}, f16: most, "packed-f16": { ...most, vocabulary: vocabSize } };
  const odd = Object.entries(widths[precision]).find(([, width]) => width % 4 !== 0);
  return odd ? `the model's ${odd[0]} of ${odd[1]} is no multiple of 4` : null;
}

/**
 * The precision to train `config` in on `device`, and in one sentence why it is not another. `auto`: f32 on a software adapter, which
 * converts more slowly than it multiplies. Errors: TrainError unsupported, where what was asked for is not possible.
 */
export function choosePrecision(
  wanted: Precision | "auto",
  { features, adapter }: Pick<Device, "features" | "adapter">,
  config: LlamaConfig,
): ChosenPrecision {
  if (wanted === "auto") {
    if (adapter.isFallbackAdapter) return { precision: "f32", reason: "a software adapter is fastest in f32" };
    const precision = features.shaderF16 ? "f16" : "packed-f16";
    const odd = oddWidth(config, precision);
    if (odd !== null) return { precision: "f32", reason: odd };
    return { precision, reason: `the adapter has ${features.shaderF16 ? "" : "no "}shader-f16` };
  }
  const odd = oddWidth(config, wanted);
  if (odd !== null) {
    throw new TrainError("unsupported", `precision ${wanted} was asked for, but ${odd}: use --precision f32, or auto`);
  }
  if (wanted === "f16" && !features.shaderF16) {
    const name = adapterName(adapter) || "this adapter";
    throw new TrainError(
      "unsupported",
      `precision f16 was asked for, but ${name} offers no shader-f16: use --precision packed-f16, which halves memory all the same, or auto`,
    );
  }
  return { precision: wanted, reason: "asked for" };
}
