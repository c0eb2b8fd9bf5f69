import { afterAll, expect, it } from "vitest";
import { createDawn, DAWN_FLAGS } from "../device/dawn.node.ts";
import { useTestDriver } from "../device/testDevice.node.ts";
import { Device } from "../device/device.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { normals } from "../model/testing.ts";
import { Transfer } from "./transfer.ts";

const devices: Device[] = [];
afterAll(() => devices.forEach((device) => device.dispose()));

it("brings tensors to devices whose adapters cut them elsewhere, or not at all", async () => {
  useTestDriver();
  const gpu = await createDawn(DAWN_FLAGS);
  const shapes = [
    { name: "a", shape: [384, 64] },
    { name: "b", shape: [64] },
    { name: "c", shape: [7, 64] },
    { name: "d", shape: [256, 64] },
  ];
  const sets: ParameterSet[] = [];
  for (const bindingLimitBytes of [2 ** 15, 2 ** 30, 2 ** 16]) {
    const device = await Device.create(gpu, { bindingLimitBytes });
    devices.push(device);
    sets.push(new ParameterSet(device, shapes));
  }
  expect(sets.map((set) => set.parameter("a").shards.length)).toEqual([3, 1, 2]);
  for (const [source, set] of sets.entries()) {
    const values = set.parameters.map(({ name, elements }, n) => [name, normals(elements, 10 * source + n)] as const);
    for (const [name, data] of values) set.write("grad", name, data);
    const others = sets.filter((other) => other !== set);
    await new Transfer(set, "grad").run(others);
    for (const other of others) for (const [name, data] of values) expect(await other.read("grad", name)).toEqual(data);
  }
});
