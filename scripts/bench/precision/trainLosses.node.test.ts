/** `bench precision` in short: the smallest preset, one seed. What longer runs gave: docs/performance.md. */
import { createTestDevice } from "@starling/trainer-core/device/testDevice.node";
import type { Device } from "@starling/trainer-core/device/device";
import type { Precision } from "@starling/trainer-core/train/precision";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadWorkload } from "../workload.ts";
import { meanOfLast, trainLosses } from "./trainLosses.ts";

const STEPS = 40;
const LAST = 20;
const LIMIT_NATS = 0.05;

describe("training in halves loses nothing against f32", () => {
  const { plan, batch } = loadWorkload("test", 1, 1);
  const losses = (device: Device, precision: Precision) => trainLosses(device, { plan, precision, steps: STEPS, seed: 1, batch });
  let device: Device;
  let f32: number[];
  beforeAll(async () => {
    device = await createTestDevice();
    f32 = await losses(device, "f32");
    expect(meanOfLast(f32, LAST)).toBeLessThan(f32[0] - 1); // else there is nothing to compare
  });
  afterAll(() => device.dispose());

  test.for(["packed-f16", "f16"] satisfies Precision[])("%s", async (precision, context) => {
    if (precision === "f16" && !device.features.shaderF16) return context.skip(`${device.adapter.description} has no shader-f16`);
    const halves = await losses(device, precision);
    expect(halves).not.toEqual(f32);
    expect(Math.abs(meanOfLast(halves, LAST) - meanOfLast(f32, LAST))).toBeLessThan(LIMIT_NATS);
  });
});
