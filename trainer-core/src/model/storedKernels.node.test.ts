/** Elementwise kernels in every storage against their twins on rounded inputs. */
import { embeddingGather } from "@starling/shaders/kernels/embedding";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { swigluBackward, swigluForward } from "@starling/shaders/kernels/mlp";
import { unscale } from "@starling/shaders/kernels/optim";
import { storageBytes, storedValues, STORAGES, type Storage } from "@starling/shaders/kernels/storage";
import * as embeddingTwin from "@starling/shaders/reference/embedding";
import * as mlpTwin from "@starling/shaders/reference/mlp";
import type { Numbers } from "@starling/shaders/reference/numbers";
import { roundToStorage, toHalves } from "@starling/shaders/reference/storage";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { expectClose, normals } from "./testing.ts";

let device: Device;
beforeAll(async () => {
  device = await createTestDevice();
});
afterAll(() => device.dispose());

const run = async ({ spec, constants, grid }: KernelCall, ...buffers: GPUBuffer[]) =>
  device.run([await device.dispatch(spec, constants, buffers, grid)]);

describe.each(STORAGES)("stored as %s", (storage: Storage) => {
  const storages = { activations: storage, weights: storage };
  /** Half a unit in the last place of the largest value. */
  const tolerance = storage === "f32" ? 1e-6 : 2 ** -11;
  const rounded = (values: Numbers) => roundToStorage(values, storage);
  const upload = (values: Numbers) => device.bufferOf("test", storage === "f32" ? Float32Array.from(values) : toHalves(values));
  const room = (elements: number) => device.buffer("test", storageBytes(storage, elements));
  const read = async (buffer: GPUBuffer, elements: number) => storedValues(await device.read(buffer), storage, elements);

  beforeEach(({ skip }) => {
    skip(storage === "f16" && !device.features.shaderF16, `${device.adapter.description} has no shader-f16`);
  });

  test("SwiGLU", async () => {
    const count = 4 * 37;
    const [gate, up, dy] = [1, 2, 3].map((seed) => rounded(normals(count, seed)));
    const y = room(count);
    await run(swigluForward(count, storages), upload(gate), upload(up), y);
    expectClose(await read(y, count), mlpTwin.swigluForward(gate, up), tolerance, "y");
    const [dGate, dUp] = [room(count), room(count)];
    await run(swigluBackward(count, storages), upload(dy), upload(gate), upload(up), dGate, dUp);
    const expected = mlpTwin.swigluBackward(dy, gate, up);
    expectClose(await read(dGate, count), expected.dGate, tolerance, "dGate");
    expectClose(await read(dUp, count), expected.dUp, tolerance, "dUp");
  });

  test("embedding rows, also where a row begins in the middle of a word", async () => {
    const [vocabulary, width] = [11, 5];
    const tokens = Int32Array.from([3, 10, 3, 0, 7]);
    const table = rounded(normals(vocabulary * width, 1));
    const y = device.buffer("test", tokens.length * width * 4);
    await run(embeddingGather(tokens.length, width, storages), device.bufferOf("test", tokens), upload(table), y);
    const actual = new Float32Array(await device.read(y, tokens.length * width * 4));
    expect([...actual]).toEqual([...embeddingTwin.embeddingGather(tokens, table, width)]);
  });
});

test("the loss scale is divided out exactly, and what is not finite is reported", async () => {
  const count = 4 * 130;
  const settings = device.uniform("test", 16);
  const report = device.buffer("test", 4);
  const gradients = normals(count, 5);
  const outcome = async (scale: number, values: Float32Array<ArrayBuffer>) => {
    device.write(settings, Float32Array.of(1 / scale));
    device.clear(report);
    const g = device.bufferOf("test", values);
    await run(unscale(count), settings, g, report);
    return { g: new Float32Array(await device.read(g)), reported: new Float32Array(await device.read(report, 4))[0] };
  };
  for (const scale of [1, 2 ** 15]) {
    const scaled = gradients.map((v) => v * scale);
    expect(await outcome(scale, scaled)).toEqual({ g: gradients, reported: 0 });
    for (const [at, bad] of [NaN, Infinity, -Infinity].entries()) {
      const poisoned = scaled.slice();
      poisoned[count - 1 - at] = bad;
      expect((await outcome(scale, poisoned)).reported).toBe(1);
    }
  }
});
