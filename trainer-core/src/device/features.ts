/** What an adapter can do beyond WebGPU's floor, and which kernels that asks for. */
import type { KernelProfile } from "@starling/shaders";

/** What this device may use beyond WebGPU's floor. */
export interface DeviceFeatures {
  /** `enable f16;` */
  shaderF16: boolean;
  /** `enable subgroups;` */
  subgroups: boolean;
  timestamps: boolean;
  /** lanes of a subgroup, fewest and most; 0 where the adapter does not say */
  minSubgroupSize: number;
  maxSubgroupSize: number;
  /** shapes of f16 x f16 -> f32 products of a whole subgroup; empty where there are none */
  subgroupMatrices: readonly { M: number; N: number; K: number }[];
}

export interface AdapterDescription {
  vendor: string;
  architecture: string;
  /** its model, such as nvidia-geforce-rtx-4090; a page is not told */
  device: string;
  /** its driver with version; a page is not told */
  description: string;
  isFallbackAdapter: boolean;
}

export function describeAdapter({ vendor, architecture, device, description, isFallbackAdapter }: GPUAdapterInfo): AdapterDescription {
  return { vendor, architecture, device, description, isFallbackAdapter: isFallbackAdapter ?? false };
}

/** What people are told an adapter is, model and driver as far as they are known; empty where it says nothing of itself. */
export function adapterName({ vendor, architecture, device, description, isFallbackAdapter }: AdapterDescription): string {
  // a software adapter's model names its compiler; all that matters is in its driver
  const model = isFallbackAdapter ? "" : device.replaceAll("-", " ").trim();
  if (model !== "" && description !== "") return `${model} (${description})`;
  return model || description || [vendor, architecture].filter((part) => part !== "").join(" ");
}

/** Experimental in Dawn: only where `allow_unsafe_apis` is on. */
export const SUBGROUP_MATRIX = "chromium-experimental-subgroup-matrix" as GPUFeatureName;
/** Asked for wherever the adapter has them. */
export const WANTED_FEATURES: readonly GPUFeatureName[] = ["shader-f16", "subgroups", "timestamp-query", SUBGROUP_MATRIX];

/** What Dawn adds to an adapter's info. */
interface SubgroupMatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

export function featuresOf(gpu: GPUDevice, info: GPUAdapterInfo): DeviceFeatures {
  const configs = (info as { subgroupMatrixConfigs?: readonly SubgroupMatrixConfig[] }).subgroupMatrixConfigs ?? [];
  return {
    shaderF16: gpu.features.has("shader-f16"),
    subgroups: gpu.features.has("subgroups"),
    timestamps: gpu.features.has("timestamp-query"),
    minSubgroupSize: info.subgroupMinSize ?? 0,
    maxSubgroupSize: info.subgroupMaxSize ?? 0,
    subgroupMatrices: gpu.features.has(SUBGROUP_MATRIX)
      ? configs.filter((c) => c.componentType === "f16" && c.resultComponentType === "f32").map(({ M, N, K }) => ({ M, N, K }))
      : [],
  };
}

/** `auto`: no barriers on a software adapter, tensor cores where there are any. */
export function fittingProfile({ isFallbackAdapter }: AdapterDescription, { shaderF16, subgroupMatrices }: DeviceFeatures): KernelProfile {
  if (isFallbackAdapter) return "software";
  return shaderF16 && subgroupMatrices.length > 0 ? "tensor" : "gpu";
}
