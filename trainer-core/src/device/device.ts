/**
 * The one door to WebGPU: pipelines compiled once and cached, buffers with names, a prebuilt list of dispatches, readback.
 * Works on any GPUDevice: Dawn in a Node worker thread, Chrome's in a tab's Worker.
 */
import type { Grid, KernelConstants, KernelProfile, KernelSpec } from "@starling/shaders";
import { tensorUnits } from "@starling/shaders/kernels/matmul";
import type { MatmulTuning, TileLimits } from "@starling/shaders/kernels/matmulTiles";
import { measuredEntry, tuningOf } from "@starling/shaders/lab/tuning";
import { DeviceError } from "./errors.ts";
import {
  adapterName,
  describeAdapter,
  featuresOf,
  fittingProfile,
  WANTED_FEATURES,
  type AdapterDescription,
  type DeviceFeatures,
} from "./features.ts";
import { SubmitPacer } from "./submitPacer.ts";

export type { DeviceFeatures, KernelProfile };

/** One entry of a prebuilt step. */
export interface Dispatch {
  label: string;
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  grid: Grid;
}

export interface DeviceOptions {
  /** `auto`: `software` on a fallback adapter, `tensor` where there are tensor cores, `gpu` otherwise */
  profile?: KernelProfile | "auto";
  /** Dispatches a submit: a software adapter with a watchdog, or a shared display GPU, wants small ones. */
  dispatchesPerSubmit?: number;
  /** What one submit may take, ms: the adapter is shared with a page that must not stutter. Left out: as fast as it goes. */
  portionMs?: number;
  /** Largest buffer, where less is wanted than the adapter binds: tests lower it. */
  bindingLimitBytes?: number;
  /** Features not to be asked for, each with the sentence that says why (`openDevice` finds them). */
  without?: ReadonlyMap<GPUFeatureName, string>;
}

/** Buffers that live on the device, and their bytes. */
export interface DeviceMemory {
  buffers: number;
  bytes: number;
}

type BufferData = ArrayBufferView<ArrayBuffer>;

const STORAGE = 0x80 | 0x4 | 0x8; // STORAGE | COPY_SRC | COPY_DST (GPUBufferUsage is absent in Node)
const UNIFORM = 0x40 | 0x8; // UNIFORM | COPY_DST
const READBACK = 0x1 | 0x8; // MAP_READ | COPY_DST
const MAP_MODE_READ = 1;
/** Readback buffers kept for the next time, of as many sizes as a step reads. */
const MOST_STAGING = 8;

export class Device {
  readonly gpu: GPUDevice;
  readonly profile: KernelProfile;
  readonly adapter: AdapterDescription;
  readonly features: DeviceFeatures;
  /** Tiles of matrix products: what was measured on this adapter, or the defaults until `tuneProducts` has measured. */
  tuning: MatmulTuning;
  /** what of the adapter cannot be used and why, a sentence each */
  readonly faults: readonly string[];
  /** largest buffer that can be made and bound whole */
  readonly bindingLimitBytes: number;
  readonly #memory: DeviceMemory = { buffers: 0, bytes: 0 };
  readonly #dispatchesPerSubmit: number;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #staging: GPUBuffer[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  /** null: everything is submitted at once */
  readonly pacer: SubmitPacer | null;
  #failure: DeviceError | null = null;

  private constructor(gpu: GPUDevice, adapter: AdapterDescription, features: DeviceFeatures, options: DeviceOptions) {
    this.gpu = gpu;
    this.adapter = adapter;
    this.features = features;
    this.faults = [...(options.without?.values() ?? [])];
    this.tuning = tuningOf(measuredEntry(adapter) ?? {}, this.tileLimits);
    const wanted = options.profile ?? "auto";
    this.profile = wanted === "auto" ? fittingProfile(adapter, features) : wanted;
    this.#dispatchesPerSubmit = options.dispatchesPerSubmit ?? 64;
    const ports = { submit: (list: readonly Dispatch[]) => this.#submit(list), done: () => this.pending(gpu.queue.onSubmittedWorkDone()) };
    this.pacer = options.portionMs === undefined ? null : new SubmitPacer(ports, { portionMs: options.portionMs });
    this.bindingLimitBytes = Math.min(
      gpu.limits.maxStorageBufferBindingSize,
      gpu.limits.maxBufferSize,
      options.bindingLimitBytes ?? Infinity,
    );
    gpu.addEventListener("uncapturederror", ({ error }) => {
      // by its name: in Node the class belongs to Dawn's module
      if (error.constructor.name === "GPUOutOfMemoryError") {
        // what follows from a buffer that is not there comes as validation errors
        if (this.#failure?.code !== "device-lost")
          this.#failure = new DeviceError(
            "out-of-memory",
            `the adapter's memory is full: ${error.message.replace(/\s*\n\s*(at .*)?/g, " ").trim()}`,
          );
      } else this.#failure ??= new DeviceError("validation", `WebGPU reported: ${error.message}`);
    });
    // a destroyed device takes commands and says nothing, as a lost one does: whoever still waits for it must hear
    void gpu.lost.then(({ reason, message }) => {
      const what = reason === "destroyed" ? "the GPU device was closed while in use" : "the GPU was lost";
      this.#failure ??= new DeviceError("device-lost", `${what}: ${message || "no reason given"}`);
      this.pacer?.stop();
    });
  }

  /** Asks `navigatorGpu` for an adapter and a device with the adapter's own limits. Errors: no-adapter, no-device. */
  static async create(navigatorGpu: GPU, options: DeviceOptions = {}): Promise<Device> {
    const adapter = await navigatorGpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) {
      throw new DeviceError(
        "no-adapter",
        "WebGPU offers no adapter here: install a Vulkan driver, or let Starling use its software adapter",
      );
    }
    const { limits, info } = adapter;
    const described = describeAdapter(info);
    const requiredLimits: Record<string, number> = {};
    for (const name of [
      "maxBufferSize",
      "maxStorageBufferBindingSize",
      "maxStorageBuffersPerShaderStage",
      "maxComputeWorkgroupStorageSize",
      "maxComputeInvocationsPerWorkgroup",
      "maxComputeWorkgroupSizeX",
      "maxComputeWorkgroupSizeY",
    ] as const) {
      requiredLimits[name] = limits[name];
    }
    let gpu: GPUDevice;
    try {
      const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name) && !options.without?.has(name));
      gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    } catch (cause) {
      throw new DeviceError("no-device", `the adapter "${adapterName(described)}" gave no device`, { cause });
    }
    return new Device(gpu, described, featuresOf(gpu, info), options);
  }

  /** What a tile of a matrix product may take here. */
  get tileLimits(): TileLimits {
    const { limits } = this.gpu;
    return {
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      workgroupThreads: limits.maxComputeInvocationsPerWorkgroup,
      ...tensorUnits(this.features),
    };
  }

  /** What `buffer`, `uniform` and readback hold at this moment: equal before and after, where nothing leaks. */
  get memory(): DeviceMemory {
    return { ...this.#memory };
  }

  #createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    const buffer = this.gpu.createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    const memory = this.#memory;
    memory.buffers++;
    memory.bytes += descriptor.size;
    let isDestroyed = false;
    buffer.destroy = () => {
      if (!isDestroyed) {
        isDestroyed = true;
        memory.buffers--;
        memory.bytes -= descriptor.size;
      }
      return destroy();
    };
    return buffer;
  }

  /** Throws what went wrong since the last call, if anything did: WebGPU reports errors late and aside. */
  assertHealthy(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Compiles `spec` with `constants`, once for each distinct pair. Errors: wgsl (with the compiler's lines). */
  pipeline(spec: KernelSpec, constants: KernelConstants = {}): Promise<GPUComputePipeline> {
    const names = Object.keys(constants).sort();
    const key = `${spec.name}\n${spec.entryPoint ?? "main"}\n${names.map((n) => `${n}=${constants[n]}`).join(",")}\n${spec.wgsl}`;
    let pending = this.#pipelines.get(key);
    if (!pending) {
      pending = this.#compile(spec, constants);
      this.#pipelines.set(key, pending);
      pending.catch(() => this.#pipelines.delete(key));
    }
    return pending;
  }

  async #compile(spec: KernelSpec, constants: KernelConstants): Promise<GPUComputePipeline> {
    this.assertHealthy(); // a lost device "compiles" anything
    // the compiler's messages say it all: beside them an error would make the device useless
    this.gpu.pushErrorScope("validation");
    const module = this.gpu.createShaderModule({ label: spec.name, code: spec.wgsl });
    const scope = this.pending(this.gpu.popErrorScope()).catch(() => null); // a lost device
    const { messages } = await this.pending(module.getCompilationInfo());
    await scope;
    const errors = messages.filter((m) => m.type === "error");
    if (errors.length > 0) {
      const lines = errors.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join("; ");
      throw new DeviceError("wgsl", `kernel ${spec.name} does not compile: ${lines}`);
    }
    const layout = this.gpu.createBindGroupLayout({
      label: spec.name,
      entries: spec.bindings.map((binding, index) => ({
        binding: index,
        visibility: 4, // COMPUTE
        buffer: { type: binding.kind === "uniform" ? "uniform" : binding.kind === "read" ? "read-only-storage" : "storage" },
      })),
    });
    try {
      return await this.pending(
        this.gpu.createComputePipelineAsync({
          label: spec.name,
          layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: spec.entryPoint ?? "main", constants: { ...constants } },
        }),
      );
    } catch (cause) {
      throw new DeviceError("wgsl", `kernel ${spec.name} gave no pipeline: ${(cause as Error).message}`, { cause });
    }
  }

  /** Storage buffer of at least `bytes`, rounded up to 16, zero-filled. Errors: too-large. */
  buffer(label: string, bytes: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    if (size > this.bindingLimitBytes) {
      throw new DeviceError(
        "too-large",
        `${label} needs ${size} bytes in one buffer; this adapter binds at most ${this.bindingLimitBytes}`,
      );
    }
    return this.#createBuffer({ label, size, usage: STORAGE });
  }

  uniform(label: string, bytes: number): GPUBuffer {
    return this.#createBuffer({ label, size: Math.max(16, Math.ceil(bytes / 16) * 16), usage: UNIFORM });
  }

  /** Storage buffer holding `data`. */
  bufferOf(label: string, data: BufferData): GPUBuffer {
    const buffer = this.buffer(label, data.byteLength);
    this.write(buffer, data);
    return buffer;
  }

  /** Queued before any later dispatch. `offsetBytes` must be a multiple of 4; data that is not is padded with zeros. */
  write(buffer: GPUBuffer, data: BufferData, offsetBytes = 0): void {
    if (data.byteLength === 0) return;
    if (this.pacer !== null && !this.pacer.isEmpty) {
      // its turn comes later, and the caller's array is used again by then
      const copy = new Uint8Array(data.byteLength);
      copy.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.pacer.act(() => this.#write(buffer, copy, offsetBytes));
    } else this.#write(buffer, data, offsetBytes);
  }

  #write(buffer: GPUBuffer, data: BufferData, offsetBytes: number): void {
    if (data.byteLength % 4 === 0) {
      this.gpu.queue.writeBuffer(buffer, offsetBytes, data.buffer, data.byteOffset, data.byteLength);
    } else {
      const padded = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
      padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.gpu.queue.writeBuffer(buffer, offsetBytes, padded);
    }
  }

  /** One dispatch of `spec` over `buffers` (in binding order; a slice binds part of a buffer). */
  async dispatch(
    spec: KernelSpec,
    constants: KernelConstants,
    buffers: readonly (GPUBuffer | GPUBufferBinding)[],
    grid: Grid,
  ): Promise<Dispatch> {
    const pipeline = await this.pipeline(spec, constants);
    const bindGroup = this.gpu.createBindGroup({
      label: spec.name,
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((b, binding) => ({ binding, resource: "buffer" in b ? b : { buffer: b } })),
    });
    return { label: spec.name, pipeline, bindGroup, grid };
  }

  /** Encodes and submits; returns at once. WebGPU orders dispatches that touch the same buffer. */
  run(dispatches: readonly Dispatch[]): void {
    if (this.pacer !== null) this.pacer.run(dispatches);
    else this.#submit(dispatches);
  }

  #submit(dispatches: readonly Dispatch[]): void {
    for (let at = 0; at < dispatches.length; at += this.#dispatchesPerSubmit) {
      const encoder = this.gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      const end = Math.min(at + this.#dispatchesPerSubmit, dispatches.length);
      for (let n = at; n < end; n++) {
        const { pipeline, bindGroup, grid } = dispatches[n];
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
      }
      pass.end();
      this.gpu.queue.submit([encoder.finish()]);
    }
  }

  /** Fills `buffer` (or the range) with zeros, in queue order. */
  clear(...buffers: GPUBuffer[]): void {
    this.#inOrder((encoder) => {
      for (const buffer of buffers) encoder.clearBuffer(buffer);
    });
  }

  copy(from: GPUBuffer, to: GPUBuffer, bytes: number, fromOffsetBytes = 0, toOffsetBytes = 0): void {
    this.#inOrder((encoder) => encoder.copyBufferToBuffer(from, fromOffsetBytes, to, toOffsetBytes, bytes));
  }

  #inOrder(encode: (encoder: GPUCommandEncoder) => void): void {
    const act = (): void => {
      const encoder = this.gpu.createCommandEncoder();
      encode(encoder);
      this.gpu.queue.submit([encoder.finish()]);
    };
    if (this.pacer === null) act();
    else this.pacer.act(act);
  }

  /** Resolves once everything asked for so far has been submitted. */
  #submitted(): Promise<void> {
    const { pacer } = this;
    return pacer === null || pacer.isEmpty ? Promise.resolve() : new Promise((resolve) => pacer.act(resolve));
  }

  /** Waits for the queue and returns a copy of the bytes. */
  read(buffer: GPUBuffer, bytes = buffer.size, offsetBytes = 0): Promise<ArrayBuffer> {
    return this.readInto(buffer, bytes, offsetBytes, (mapped) => mapped.slice(0, bytes));
  }

  /** As `read`, without the copy: `use` gets the bytes, which are gone when it returns. Staging buffers are reused: fresh ones are 10x slower. */
  async readInto<T>(buffer: GPUBuffer, bytes: number, offsetBytes: number, use: (mapped: ArrayBuffer) => T): Promise<T> {
    const size = Math.ceil(bytes / 4) * 4;
    const at = this.#staging.findIndex((s) => s.size >= size && s.size <= size * 4 + 65536);
    const staging = at >= 0 ? this.#staging.splice(at, 1)[0] : this.#createBuffer({ label: "readback", size, usage: READBACK });
    this.copy(buffer, staging, size, offsetBytes);
    try {
      await this.#submitted();
      await this.pending(staging.mapAsync(MAP_MODE_READ, 0, size));
    } catch (cause) {
      staging.destroy();
      this.assertHealthy();
      throw new DeviceError("device-lost", "the GPU did not give its memory back", { cause });
    }
    const out = use(staging.getMappedRange(0, size));
    staging.unmap();
    this.#staging.push(staging);
    if (this.#staging.length > MOST_STAGING) this.#staging.shift()!.destroy(); // the one that was of no use for longest
    this.assertHealthy();
    return out;
  }

  /** As `write`, from the bytes that another device's `readInto` gave. Not for a device with a pacer. All three in multiples of 4. */
  writeBytes(buffer: GPUBuffer, offsetBytes: number, from: ArrayBuffer, fromOffsetBytes: number, bytes: number): void {
    this.gpu.queue.writeBuffer(buffer, offsetBytes, from, fromOffsetBytes, bytes);
  }

  /** Resolves when all submitted work has finished. */
  async idle(): Promise<void> {
    await this.#submitted();
    await this.pending(this.gpu.queue.onSubmittedWorkDone());
    this.assertHealthy();
  }

  /** Counts what the GPU still owes an answer to, for `settled`. */
  pending<T>(answer: Promise<T>): Promise<T> {
    this.#pending.add(answer);
    const heard = () => void this.#pending.delete(answer);
    answer.then(heard, heard);
    return answer;
  }

  /** After `dispose`: resolves when nobody waits for the GPU any more. A thread that ends before that takes its process with it (Dawn). */
  async settled(): Promise<void> {
    await this.gpu.lost;
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  dispose(): void {
    this.pacer?.stop();
    for (const s of this.#staging) s.destroy();
    this.gpu.destroy();
  }
}
