import { matmul, MATMUL_FORMS } from "@starling/shaders/kernels/matmul";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDawn, DAWN_FLAGS } from "./dawn.node.ts";
import { Device } from "./device.ts";
import { SUBGROUP_MATRIX } from "./features.ts";
import { openDevice, wrongProduct } from "./openDevice.ts";
import { createTestDevice, useTestDriver } from "./testDevice.node.ts";

const NARROW: readonly GPUFeatureName[] = ["shader-f16", SUBGROUP_MATRIX];

/** `object` with some of its properties replaced; WebGPU's own want to be called on their own object. */
function replaced<T extends object>(object: T, properties: Record<string, unknown>): T {
  return new Proxy(object, {
    get: (target, name) => {
      if (Object.hasOwn(properties, name)) return properties[name as string];
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value),
  });
}

/** An adapter that says it has tensor cores and f16, as a driver may that has neither in working order. */
function boasting(gpu: GPU): GPU {
  const boast = (adapter: GPUAdapter): GPUAdapter => {
    const info = replaced(adapter.info, {
      isFallbackAdapter: false,
      description: "a boaster",
      subgroupMatrixConfigs: [{ componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 }],
    });
    const requestDevice = async (descriptor: GPUDeviceDescriptor): Promise<GPUDevice> => {
      const asked = [...(descriptor.requiredFeatures ?? [])] as GPUFeatureName[];
      const device = await adapter.requestDevice({ ...descriptor, requiredFeatures: asked.filter((name) => adapter.features.has(name)) });
      return replaced(device, { features: new Set([...device.features, ...asked]) });
    };
    return replaced(adapter, { info, requestDevice, features: new Set([...adapter.features, ...NARROW]) });
  };
  return replaced(gpu, {
    requestAdapter: async (options: GPURequestAdapterOptions) => {
      const adapter = await gpu.requestAdapter(options);
      return adapter && boast(adapter);
    },
  });
}

describe("openDevice", () => {
  // Dawn's null backend has subgroups of 128, too many for a workgroup of tensor tiles, and computes nothing
  it("does without tensor cores that give no pipeline and f16 that gives wrong sums, and says so once each", async () => {
    const gpu = boasting(await createDawn(["backend=null", "enable-dawn-features=allow_unsafe_apis"]));
    const trusting = await Device.create(gpu);
    expect(trusting).toMatchObject({ profile: "tensor", faults: [] });
    trusting.dispose();
    const device = await openDevice(gpu);
    expect(device.profile).toBe("gpu");
    expect(device.features).toMatchObject({ shaderF16: false, subgroupMatrices: [] });
    expect(device.faults).toEqual([
      expect.stringMatching(
        /^tensor cores of .*a boaster.* cannot be used.*: kernel matmul.tensor.* gave no pipeline: .*; trains without$/,
      ),
      expect.stringMatching(/^half precision .* cannot be used.* gave .* instead of /),
    ]);
    device.dispose();
    const named = await openDevice(gpu, { profile: "tensor" });
    expect([named.profile, named.faults[0]]).toEqual([device.profile, device.faults[0]]);
    named.dispose();
  });

  it("does without where they do not compile, on a device that works", async (context) => {
    useTestDriver();
    const gpu = await createDawn(DAWN_FLAGS);
    const own = await gpu.requestAdapter();
    if (NARROW.some((name) => own!.features.has(name))) return context.skip("the adapter has what it boasts of");
    const device = await openDevice(boasting(gpu));
    expect(device.profile).toBe("gpu");
    expect(device.faults).toEqual([
      expect.stringMatching(/tensor cores .*matmul\.tensor.* does not compile/),
      expect.stringMatching(/half precision .*matmul\.gpu.* does not compile/),
    ]);
    expect(new Float32Array(await device.read(device.bufferOf("x", Float32Array.of(1, 2, 3, 4))))).toEqual(Float32Array.of(1, 2, 3, 4));
    device.dispose();
  });
});

describe("wrongProduct", () => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice("software");
  });
  afterAll(() => device.dispose());
  const products = MATMUL_FORMS.map((form) => ({ profile: "software", form, storage: "f32" }) as const);

  it("finds nothing wrong with a right kernel", async () => {
    expect(await wrongProduct(device, products)).toBeNull();
    // the emulation of tensor cores: what they are asked for is exact
    expect(await wrongProduct(device, [{ profile: "tensor", form: "weightGradient", storage: "f32", tile: "2x2 of 1x1" }])).toBeNull();
  });

  it("finds one wrong output", async () => {
    const kernel: typeof matmul = (...args) => {
      const call = matmul(...args);
      const wgsl = call.spec.wgsl.replace("fn store4(row: u32, column: u32, part: u32, product: vec4<f32>) {", (head) =>
        head.replace("product:", "right:").concat(" let product = right + select(0.0, 1.0, row == 135u && column == 148u);"),
      );
      expect(wgsl).not.toBe(call.spec.wgsl);
      return { ...call, spec: { ...call.spec, wgsl } };
    };
    expect(await wrongProduct(device, products.slice(0, 1), { kernel })).toMatch(/^a forward product in f32 gave -?\d+ instead of -?\d+$/);
  });

  it("does not wait for ever", async () => {
    expect(await wrongProduct(device, products, { patienceMs: 0 })).toBe("no answer within 0 s");
  });
});
