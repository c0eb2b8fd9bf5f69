import { loadRunConfig } from "@starling/config/presets.node";
import { afterEach, describe, expect, it } from "vitest";
import { factsOf } from "../device/countingGpu.ts";
import { createDawn } from "../device/dawn.node.ts";
import { Device } from "../device/device.ts";
import { DeviceError } from "../device/errors.ts";
import { TrainingEngine } from "./engine.ts";
import { fit } from "./fit.ts";
import { fitEngine } from "./fitEngine.ts";
import { memoryEstimate } from "./memoryEstimate.ts";
import { memoryNeed } from "./memoryNeed.ts";
import { runPlan } from "./runPlan.ts";

const planOf = (preset: string) => runPlan(loadRunConfig(preset, "/").config);

const devices: Device[] = [];
afterEach(() => devices.splice(0).forEach((device) => device.dispose()));

/** Dawn's null backend: everything but the arithmetic, and a memory of 512 MiB. */
async function nullDevice(profile: "software" | "gpu" = "software"): Promise<Device> {
  const device = await Device.create(await createDawn(["backend=null"]), { profile });
  devices.push(device);
  return device;
}

describe("memoryNeed", () => {
  it.each([
    ["test", "gpu", { microBatchSequences: 1 }],
    ["test", "software", { microBatchSequences: 3, recomputation: true }],
    ["nano-shakespeare", "gpu", { microBatchSequences: 4 }],
    ["nano-shakespeare", "gpu", { microBatchSequences: 4, recomputation: true, precision: "packed-f16" }],
    ["nano-shakespeare", "gpu", { microBatchSequences: 2, dataParallelism: 2 }],
  ] as const)("is what an engine of %s with %s kernels allocates: %o", async (preset, profile, options) => {
    const plan = planOf(preset);
    const devices = [await nullDevice(profile), ...("dataParallelism" in options ? [await nullDevice(profile)] : [])];
    const [device, ...otherDevices] = devices;
    const engine = await TrainingEngine.create(device!, plan, { ...options, otherDevices });
    await engine.distro.reserve(32);
    const need = await memoryNeed(plan, { ...options, profile, batchesPerRound: 32, adapter: factsOf(device!) });
    expect(need.adapterBytes).toBe(devices.reduce((sum, { memory }) => sum + memory.bytes, 0));
    expect(need.bindingBytes).toBeLessThanOrEqual(need.adapterBytes);
    if (Object.keys(options).length > 1) return;
    const about = memoryEstimate(plan, options.microBatchSequences, 32);
    expect(about.adapterBytes / need.adapterBytes).toBeGreaterThan(0.7);
    expect(about.adapterBytes / need.adapterBytes).toBeLessThan(2);
  });

  it("tells a buffer that the adapter cannot bind", async () => {
    const adapter = { ...factsOf(await nullDevice()), maxStorageBufferBindingSize: 2 ** 16 };
    await expect(memoryNeed(planOf("nano-shakespeare"), { microBatchSequences: 64, batchesPerRound: 1, adapter })).rejects.toMatchObject({
      code: "too-large",
    });
  });
});

describe("fit", () => {
  const plan = planOf("nano-shakespeare");
  const ask = async (adapterBytes: number | null, microBatchSequences: number | "auto", recomputation: "off" | "auto" = "off") =>
    fit({
      plan,
      settings: {
        profile: "software",
        microBatchSequences,
        recomputation,
        offer: { adapterBytes, shareSequences: 24, batchesPerRound: 4 },
      },
      adapter: { ...factsOf(await nullDevice()), isFallbackAdapter: false },
    });
  const needOf = async (microBatchSequences: number, recomputation = false) =>
    (
      await memoryNeed(plan, {
        microBatchSequences,
        recomputation,
        profile: "software",
        batchesPerRound: 4,
        adapter: factsOf(await nullDevice()),
      })
    ).adapterBytes;

  it("takes a client's whole share where it fits, halves where not, and never more than was asked for", async () => {
    expect(await ask(null, "auto")).toMatchObject({
      microBatchSequences: 24,
      sentences: [expect.stringMatching(/^micro-batch 24 \(chosen automatically\) needs .* not known$/)],
    });
    const forTwelve = (await needOf(12)) / 0.9;
    const less = await ask(forTwelve, "auto");
    expect(less.microBatchSequences).toBe(12);
    expect(less.sentences[0]).toMatch(
      /^this model at micro-batch 24 needs [\d.]+ [GM]B, adapter offers [\d.]+ [GM]B, micro-batch 12 fits$/,
    );
    expect(await ask(forTwelve, 4)).toMatchObject({ microBatchSequences: 4 });
  });

  it("recomputes only where nothing else fits, and goes on with the least where not even that does", async () => {
    const forRecomputed = (await needOf(1, true)) / 0.9;
    expect(await ask(forRecomputed, "auto", "auto")).toMatchObject({ recomputation: true });
    expect(await ask((await needOf(1)) / 0.9, "auto", "auto")).toMatchObject({ microBatchSequences: 1, recomputation: false });
    const hopeless = await ask(2 ** 20, "auto");
    expect(hopeless).toMatchObject({ microBatchSequences: 1 });
    expect(hopeless.sentences.at(-1)).toMatch(/^not even micro-batch 1 fits/);
  });
});

describe("fitEngine", () => {
  it("steps down on a device that runs out of memory, on a new one each time", async () => {
    const plan = planOf("nano-shakespeare");
    let opened = 0;
    const open = async () => (opened++, [await nullDevice()]);
    const share = { adapterBytes: null, batchesPerRound: 1 };
    // 1024 sequences need more than the 512 MiB there are
    const fitted = await fitEngine(open, plan, {
      profile: "software",
      microBatchSequences: 1024,
      offer: { ...share, shareSequences: 1024 },
    });
    expect(fitted.microBatchSequences).toBeLessThan(1024);
    expect(opened).toBe(1 + Math.log2(1024 / fitted.microBatchSequences));
    expect(fitted.sentences.at(-1)).toMatch(/memory is full.*is tried$/);
    expect(fitted.devices[0].memory.bytes).toBeGreaterThan(0);
    fitted.devices[0].assertHealthy();
  });

  it("says out-of-memory where not even one sequence fits", async () => {
    const { config } = loadRunConfig("llama2-20m", "/");
    const { checkpoint } = config.model.LLM as { checkpoint: { Random: { config: object; seed: number } } };
    const deep = { Random: { ...checkpoint.Random, config: { ...checkpoint.Random.config, num_hidden_layers: 64 } } };
    const starved = runPlan({ ...config, model: { LLM: { ...config.model.LLM, checkpoint: deep } } } as typeof config);
    const failure = fitEngine(async () => [await nullDevice()], starved, { profile: "software", microBatchSequences: 1 });
    await expect(failure).rejects.toBeInstanceOf(DeviceError);
    await expect(failure).rejects.toMatchObject({ code: "out-of-memory" });
  });
});
