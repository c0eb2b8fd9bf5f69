/**
 * A GPU that allocates nothing and runs nothing: what is built on it counts what it would take (`Device.memory`), and fails on
 * buffers that the adapter could not bind. So a plan's memory is known from the very code that allocates it.
 */
import type { Device } from "./device.ts";
import { SUBGROUP_MATRIX } from "./features.ts";

/** What the buffers of a model depend on. Plain data: crosses to another thread or process. */
export interface AdapterFacts {
  maxBufferSize: number;
  maxStorageBufferBindingSize: number;
  features: readonly string[];
  subgroupMatrices: readonly { M: number; N: number; K: number }[];
  isFallbackAdapter: boolean;
}

/** WebGPU on NVIDIA and Linux (webgpu-probe.md): for a report about an adapter that is not at hand. */
export const TYPICAL_GPU: AdapterFacts = {
  maxBufferSize: 2 ** 32 - 4,
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  features: ["shader-f16", "subgroups"],
  subgroupMatrices: [{ M: 16, N: 16, K: 16 }],
  isFallbackAdapter: false,
};

export function factsOf({ gpu, features, adapter }: Pick<Device, "gpu" | "features" | "adapter">): AdapterFacts {
  return {
    maxBufferSize: gpu.limits.maxBufferSize,
    maxStorageBufferBindingSize: gpu.limits.maxStorageBufferBindingSize,
    features: [...gpu.features].map(String),
    subgroupMatrices: features.subgroupMatrices,
    isFallbackAdapter: adapter.isFallbackAdapter,
  };
}

/** What `Device.create` takes. */
export function countingGpu(facts: AdapterFacts): GPU {
  const { maxBufferSize, maxStorageBufferBindingSize } = facts;
  const limits = {
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: 10,
    maxComputeWorkgroupStorageSize: 49152,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupSizeY: 1024,
    minStorageBufferOffsetAlignment: 256,
  };
  const names = [...facts.features, ...(facts.subgroupMatrices.length > 0 ? [SUBGROUP_MATRIX] : [])];
  const features = new Set(names);
  const info = {
    vendor: "",
    architecture: "",
    device: "",
    description: "counting",
    isFallbackAdapter: facts.isFallbackAdapter,
    subgroupMinSize: 32,
    subgroupMaxSize: 32,
    subgroupMatrixConfigs: facts.subgroupMatrices.map((shape) => ({ ...shape, componentType: "f16", resultComponentType: "f32" })),
  };
  const nothing = (): void => undefined;
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const encoder = { beginComputePass: () => pass, clearBuffer: nothing, copyBufferToBuffer: nothing, finish: () => ({}) };
  const pipeline = { getBindGroupLayout: () => ({}) };
  const device = {
    limits,
    features,
    lost: new Promise<never>(() => undefined),
    queue: { submit: nothing, writeBuffer: nothing, onSubmittedWorkDone: async () => undefined },
    addEventListener: nothing,
    createBuffer: ({ size, label, usage }: GPUBufferDescriptor) => ({
      ...{ size, label, usage },
      destroy: nothing,
      mapAsync: async () => undefined,
      getMappedRange: (_offset: number, bytes: number) => new ArrayBuffer(bytes),
      unmap: nothing,
    }),
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createBindGroup: () => ({}),
    createComputePipelineAsync: async () => pipeline,
    createCommandEncoder: () => encoder,
    pushErrorScope: nothing,
    popErrorScope: async () => null,
    destroy: nothing,
  };
  const adapter = { limits, info, features, requestDevice: async () => device };
  return { requestAdapter: async () => adapter } as unknown as GPU;
}
