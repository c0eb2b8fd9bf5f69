import { afterAll, beforeAll, expect, it } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { MAX_PEERS } from "./decoder.ts";
import { TilePlan } from "./tilePlan.ts";

let device: Device;
beforeAll(async () => {
  device = await createTestDevice();
});
afterAll(() => device.dispose());

it.each([
  [[8191, 64], 64], // a prime side: 8191 tiles of 1 x 64, all of them sent
  [[1024, 1024], 4096],
  [[3], 8],
])("cuts %j with topk %i into batches that hold every tile once, and whose results any adapter can bind", (shape, topk) => {
  const parameters = new ParameterSet(device, [{ name: "w", shape }]);
  const plan = new TilePlan(device, parameters, { chunk: 64, topk });
  let [tiles, entries, dense] = [0, 0, 0];
  for (const batch of plan.batches) {
    expect([batch.firstTile, batch.sentBase]).toEqual([tiles, entries]);
    expect(4 * MAX_PEERS * batch.sentCount).toBeLessThanOrEqual(2 ** 27); // WebGPU's floor for maxStorageBufferBindingSize
    tiles += batch.tileCount;
    entries += batch.sentCount;
    dense += batch.denseCount;
  }
  const [layout] = plan.layouts;
  expect([tiles, entries, dense]).toEqual([layout.tiles, layout.tiles * Math.min(topk, layout.total), layout.elements]);
  plan.dispose();
  parameters.dispose();
});
