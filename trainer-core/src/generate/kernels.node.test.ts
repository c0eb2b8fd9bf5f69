/** The kernels of generation on both profiles against their f64 twins, at sizes that divide nothing. Values are normal, seed 1. */
import { appendCache, attendCache, matvec } from "@starling/shaders/kernels/generate";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { BASE_PROFILES } from "@starling/shaders";
import * as twin from "@starling/shaders/reference/generate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { ropeTable } from "../model/rope.ts";
import { expectClose, normals } from "../model/testing.ts";

const TOLERANCE = 5e-6;

describe.each(BASE_PROFILES)("%s kernels of generation agree with their twins", (profile) => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice(profile);
  });
  afterAll(() => device.dispose());

  const upload = (data: Float32Array<ArrayBuffer>) => device.bufferOf("test", data);
  const uniform = (data: Uint32Array<ArrayBuffer>) => {
    const buffer = device.uniform("test", data.byteLength);
    device.write(buffer, data);
    return buffer;
  };
  const sevens = (elements: number) => upload(new Float32Array(elements).fill(7));
  const run = async ({ spec, constants, grid, sizes }: KernelCall, ...buffers: GPUBuffer[]) =>
    device.run([await device.dispatch(spec, constants, [uniform(sizes!), ...buffers], grid)]);
  const read = async (buffer: GPUBuffer, elements: number) => new Float32Array(await device.read(buffer, elements * 4));

  test.each([
    [1, 1],
    [70, 37],
    [301, 266],
  ])("matrix-vector product of %i x %i", async (n, k) => {
    const [w, x, residual] = [normals(n * k, 1), normals(k, 2), normals(n, 3)];
    const product = twin.matvec(w, x, n);
    for (const adds of [false, true]) {
      const y = sevens(n);
      await run(matvec(profile, n, k, adds), upload(w), upload(x), upload(residual), y);
      const expected = product.map((v, i) => v + (adds ? residual[i] : 0));
      expectClose(await read(y, n), expected, TOLERANCE, `residual ${adds}`, Math.sqrt(k));
    }
  });

  test.each([
    { rows: 5, queryHeads: 6, keyHeads: 2, headDim: 18, positions: 150, position: 131 },
    { rows: 1, queryHeads: 2, keyHeads: 2, headDim: 70, positions: 67, position: 65 },
    { rows: 3, queryHeads: 2, keyHeads: 1, headDim: 4, positions: 3, position: 0 },
  ])("cache and attention, $rows rows at $position, heads $queryHeads/$keyHeads of $headDim", async ({ position, ...shape }) => {
    const { rows, queryHeads, keyHeads, headDim, positions } = shape;
    const width = keyHeads * headDim;
    const [q0, k0, v0] = [normals(rows * queryHeads * headDim, 1), normals(rows * width, 2), normals(rows * width, 3)];
    const [keys0, values0] = [normals(positions * width, 4), normals(positions * width, 5)];
    const table = ropeTable({ headDim, ropeTheta: 100, ropeScaling: null }, positions);
    const [q, keys, values] = [upload(q0), upload(keys0), upload(values0)];
    const step = uniform(Uint32Array.of(position, 0, 0, 0));
    await run(appendCache(shape), step, upload(table), q, upload(k0), upload(v0), keys, values);
    const rotated = twin.ropeAt(q0, table, queryHeads, headDim, positions, position);
    expectClose(await read(q, q0.length), rotated, TOLERANCE, "q");
    const [expectedKeys, expectedValues] = [Float64Array.from(keys0), Float64Array.from(values0)];
    expectedKeys.set(twin.ropeAt(k0, table, keyHeads, headDim, positions, position), position * width);
    expectedValues.set(v0, position * width);
    expectClose(await read(keys, keys0.length), expectedKeys, TOLERANCE, "keys");
    expect(await read(values, values0.length)).toEqual(Float32Array.from(expectedValues));

    const out = sevens(q0.length);
    await run(attendCache(profile, shape), step, q, keys, values, out);
    expectClose(await read(out, q0.length), twin.attendCache(shape, position, rotated, expectedKeys, expectedValues), TOLERANCE, "out");
  });
});
