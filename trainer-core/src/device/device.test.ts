import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linearGrid, type KernelSpec } from "@starling/shaders";
import { createDawn } from "./dawn.node.ts";
import { Device } from "./device.ts";
import { createTestDevice } from "./testDevice.node.ts";

const axpy: KernelSpec = {
  name: "test.axpy",
  bindings: [
    { name: "x", kind: "read" },
    { name: "y", kind: "read_write" },
  ],
  wgsl: `
    override COUNT: u32; override SCALE: f32;
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      if (id.x < COUNT) { y[id.x] = y[id.x] + SCALE * x[id.x]; }
    }`,
};

describe("Device", () => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice();
  });
  afterAll(() => device.dispose());

  it("runs a list of dispatches in order and reads the result back", async () => {
    const x = device.bufferOf(
      "x",
      Float32Array.from({ length: 100 }, (_, i) => i),
    );
    const y = device.buffer("y", 400);
    const step = await device.dispatch(axpy, { COUNT: 100, SCALE: 2 }, [x, y], linearGrid(100, 64));
    device.run([step, step, step]);
    const out = new Float32Array(await device.read(y, 400));
    expect([...out]).toEqual(Array.from({ length: 100 }, (_, i) => 6 * i));
  });

  it("names the kernel and the line of a shader that does not compile", async () => {
    await expect(device.pipeline({ ...axpy, name: "test.broken", wgsl: "fn main( {" })).rejects.toMatchObject({
      code: "wgsl",
      message: expect.stringMatching(/test\.broken.*1:\d+/),
    });
    await device.idle(); // which goes on
  });

  it("refuses a buffer the adapter cannot bind, with both sizes", () => {
    expect(() => device.buffer("huge", 2 ** 40)).toThrow(/1099511627776 bytes.*at most \d+/);
  });

  it("reports a validation error at the next readback instead of losing it", async () => {
    const small = device.buffer("small", 16);
    device.gpu.queue.writeBuffer(small, 0, new Float32Array(64));
    await expect(device.read(small)).rejects.toMatchObject({ code: "validation" });
  });

  it("hands bytes to another device without an array of its own", async () => {
    const [own, other] = [await createTestDevice(), await createTestDevice()];
    const x = own.bufferOf("x", Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const y = other.bufferOf("y", new Float32Array(8).fill(9));
    await own.readInto(x, 16, 8, (mapped) => other.writeBytes(y, 4, mapped, 4, 12));
    expect([...new Float32Array(await other.read(y))]).toEqual([9, 4, 5, 6, 9, 9, 9, 9]);
    own.dispose();
    other.dispose();
  });

  it("keeps readback buffers for the next time, and no more than a few", async () => {
    const own = await createTestDevice();
    const x = own.buffer("x", 2 ** 22);
    for (let bytes = 4; bytes <= 2 ** 22; bytes *= 2) await own.read(x, bytes);
    const before = own.memory;
    for (let n = 0; n < 5; n++) await own.read(x, 2 ** 22);
    expect(own.memory).toEqual(before);
    expect(before.buffers).toBeLessThanOrEqual(9);
    own.dispose();
  });

  it("gives the same in portions, though staging arrays are used again before their turn", async () => {
    const paced = await Device.create(await createDawn([]), { portionMs: 0.5 });
    const n = 1 << 14;
    const staging = new Float32Array(n);
    const x = paced.buffer("x", 4 * n);
    const y = paced.buffer("y", 4 * n);
    const step = await paced.dispatch(axpy, { COUNT: n, SCALE: 1 }, [x, y], linearGrid(n, 64));
    const reads: Promise<ArrayBuffer>[] = [];
    for (let value = 1; value <= 5; value++) {
      paced.write(x, staging.fill(value));
      paced.run([step, step, step]);
      reads.push(paced.read(y, 4));
    }
    paced.clear(x);
    const sums = (await Promise.all(reads)).map((bytes) => new Float32Array(bytes)[0]);
    expect(sums).toEqual([3, 9, 18, 30, 45]);
    await paced.idle();
    expect(paced.pacer!.isEmpty).toBe(true);
    const waiting = expect(Promise.all([paced.read(y), (paced.run([step, step]), paced.idle())])).rejects.toMatchObject({
      code: "device-lost",
    });
    paced.gpu.destroy();
    await waiting;
  });

  it("says that the device is gone to whoever waits for it, and to later callers", async () => {
    const own = await createTestDevice();
    const y = own.bufferOf("y", new Float32Array(1 << 16));
    const step = await own.dispatch(
      axpy,
      { COUNT: 1 << 16, SCALE: 2 },
      [own.bufferOf("x", new Float32Array(1 << 16)), y],
      linearGrid(1 << 16, 64),
    );
    own.run(Array.from({ length: 20 }, () => step));
    const lost = { name: "DeviceError", code: "device-lost" };
    const waiting = expect(own.read(y)).rejects.toMatchObject(lost);
    own.gpu.destroy();
    await waiting;
    await own.gpu.lost;
    own.run([step]);
    await expect(own.idle()).rejects.toMatchObject(lost);
    await expect(own.read(y)).rejects.toMatchObject(lost);
    await expect(own.pipeline({ ...axpy, name: "test.later" })).rejects.toMatchObject(lost);
  });
});
