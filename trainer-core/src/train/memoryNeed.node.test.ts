import { loadRunConfig } from "@starling/config/presets.node";
import { createDawn } from "../device/dawn.node.ts";
import { Device } from "../device/device.ts";
import { TrainingEngine } from "./engine.ts";
import { runPlan } from "./runPlan.ts";
import { describe, expect, it } from "vitest";
import { memoryNeed } from "./memoryNeed.ts";

describe("memoryNeed", () => {
  it.each([
    ["test", 1],
    ["nano-shakespeare", 4],
  ])("is about what an engine of %s allocates", async (preset, microBatchSequences) => {
    const plan = runPlan(loadRunConfig(preset, "/").config);
    // Dawn's null backend: everything but the arithmetic
    const device = await Device.create(await createDawn(["backend=null"]), { profile: "gpu" });
    const create = device.gpu.createBuffer.bind(device.gpu);
    let [allocated, largest] = [0, 0];
    device.gpu.createBuffer = (descriptor) => {
      allocated += descriptor.size;
      largest = Math.max(largest, descriptor.size);
      return create(descriptor);
    };
    await TrainingEngine.create(device, plan, { microBatchSequences });
    const need = memoryNeed(plan, microBatchSequences, 32);
    console.log(`${preset}: ${need.adapterBytes} bytes estimated, ${allocated} allocated; largest ${need.bindingBytes}, ${largest}`);
    expect(need.adapterBytes / allocated).toBeGreaterThan(0.8);
    expect(need.adapterBytes / allocated).toBeLessThan(2);
    device.dispose();
  });
});
