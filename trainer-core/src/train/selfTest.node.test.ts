import { columnStep, decay, mergeSent, rowPass } from "@starling/shaders/kernels/compress/index";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { deviationSentence, selfTest } from "./selfTest.ts";

describe("selfTest", () => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice();
  });
  afterAll(() => device.dispose());

  it("finds nothing on a good adapter, and hashes there too", async () => {
    const report = await selfTest(device, { hashOnDevice: true });
    expect(report.deviations).toEqual([]);
    expect(report.compared).toBeGreaterThan(50_000);
    expect(deviationSentence(report)).toBeNull();
  });

  it.each([
    // what drivers do wrong: a contracted multiply-add, a flushed or kept denormal, a rounded carry
    ["decay", decay, "bitcast<vec4<f32>>(master[i]) * decay.factor", "fma(bitcast<vec4<f32>>(master[i]), vec4(decay.factor), vec4(1e-9))"],
    ["decay", decay, "(bits & vec4<u32>(0x7f000000u)) == vec4<u32>(0u)", "(bits & vec4<u32>(0x7f800000u)) == vec4<u32>(0u)"],
    ["decode and step", columnStep, "bitcast<f32>(master[at]) - delta", "bitcast<f32>(master[at]) - delta * 1.0000001"],
    ["decode and step", columnStep, "(magnitudeTop < zTop) | ", ""],
    ["decode and step", rowPass, "(s >> 16u) + (middle >> 16u)", "(s >> 16u)"],
    ["decode and step", mergeSent, "let bit = u32(shift - 1)", "let bit = u32(shift)"],
  ])("finds a wrong %s", async (operation, kernel, from, to) => {
    expect(kernel.wgsl).toContain(from);
    const wrong = { ...kernel, wgsl: kernel.wgsl.replaceAll(from, to) };
    const name = kernel.name.split(".")[1];
    const report = await selfTest(device, { kernels: { [name]: wrong } });
    expect(report.deviations.map((d) => d.operation)).toEqual([operation]);
    expect(deviationSentence(report)).toMatch(/does not compute the shared arithmetic exactly .* instead of /);
  });
});
