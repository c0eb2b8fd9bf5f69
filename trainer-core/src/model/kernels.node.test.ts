/** Kernels of both profiles against their f64 twins, at sizes that divide nothing (products, attention, norm and loss have tests of their own). Values are normal, seed 1. */
import { embeddingGather, embeddingScatterAdd, tokenOccurrences } from "@starling/shaders/kernels/embedding";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { swigluBackward, swigluForward } from "@starling/shaders/kernels/mlp";
import { adamw, applyClip, clipFactor, foldTerms, squareSum, SQUARE_SUM_CHUNK, termsLeft } from "@starling/shaders/kernels/optim";
import { BASE_PROFILES } from "@starling/shaders";
import * as embeddingTwin from "@starling/shaders/reference/embedding";
import * as mlpTwin from "@starling/shaders/reference/mlp";
import * as optimTwin from "@starling/shaders/reference/optim";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { expectClose, normals } from "./testing.ts";

/** Largest difference as a share of the largest value: f32 sums of a few hundred terms, exp within some ulp. */
const TOLERANCE = 5e-6;

describe.each(BASE_PROFILES)("%s kernels agree with their twins", (profile) => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice(profile);
  });
  afterAll(() => device.dispose());

  type Data = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  const upload = (data: Data) => device.bufferOf("test", data);
  const uniform = (data: Data) => {
    const buffer = device.uniform("test", data.byteLength);
    device.write(buffer, data);
    return buffer;
  };
  /** Filled with 7: an overwriting kernel must leave none, an accumulating one all. */
  const sevens = (elements: number) => upload(new Float32Array(elements).fill(7));
  const run = async ({ spec, constants, grid, sizes }: KernelCall, ...buffers: GPUBuffer[]) =>
    device.run([await device.dispatch(spec, constants, sizes ? [uniform(sizes), ...buffers] : buffers, grid)]);
  const read = async (buffer: GPUBuffer, elements: number) => new Float32Array(await device.read(buffer, elements * 4));

  test("embedding, with repeated and absent tokens", async () => {
    const [vocabulary, width] = [11, 5];
    const tokens = Int32Array.from([3, 10, 3, 0, 3, 7, 10, 10, 3]);
    const rows = tokens.length;
    const table = normals(vocabulary * width, 1);
    const y = sevens(rows * width);
    await run(embeddingGather(rows, width), upload(tokens), upload(table), y);
    expect([...(await read(y, rows * width))]).toEqual([...embeddingTwin.embeddingGather(tokens, table, width)]);

    const dy = normals(rows * width, 2);
    const occurrences = new Uint32Array(2 * rows + 1);
    tokenOccurrences(tokens, new Uint32Array(vocabulary), occurrences);
    const dTable = sevens(vocabulary * width);
    await run(embeddingScatterAdd(rows, width), upload(tokens), upload(occurrences), upload(dy), dTable);
    const expected = embeddingTwin.embeddingScatterAdd(tokens, dy, vocabulary, width).map((v) => v + 7);
    expectClose(await read(dTable, vocabulary * width), expected, TOLERANCE, "dTable");
  });

  test("SwiGLU", async () => {
    const count = 77;
    const [gate, up, dy] = [normals(count, 1), normals(count, 2), normals(count, 3)];
    gate[0] = -90; // exp overflows to infinity: silu is 0
    gate[1] = 90;
    const y = sevens(count);
    await run(swigluForward(count), upload(gate), upload(up), y);
    expectClose(await read(y, count), mlpTwin.swigluForward(gate, up), TOLERANCE, "y");
    const [dGate, dUp] = [sevens(count), sevens(count)];
    await run(swigluBackward(count), upload(dy), upload(gate), upload(up), dGate, dUp);
    const expected = mlpTwin.swigluBackward(dy, gate, up);
    expectClose(await read(dGate, count), expected.dGate, TOLERANCE, "dGate");
    expectClose(await read(dUp, count), expected.dUp, TOLERANCE, "dUp");
  });

  test("clipping, over two pools", async () => {
    const pools = [normals(1300, 1), normals(5, 2)];
    const all = [...pools[0], ...pools[1]];
    const chunks = [Math.ceil(1300 / SQUARE_SUM_CHUNK), 1];
    for (const maxNorm of [1.5, 1000, 0]) {
      const expected = optimTwin.clip(all, maxNorm);
      const buffers = pools.map(upload);
      const [partials, clip] = [sevens(chunks[0] + chunks[1]), sevens(4)];
      await run(squareSum(1300, 0), buffers[0], partials);
      await run(squareSum(5, chunks[0]), buffers[1], partials);
      await run(clipFactor(chunks[0] + chunks[1]), uniform(Float32Array.of(maxNorm, 0, 0, 0)), partials, clip);
      await run(applyClip(1300), clip, buffers[0]);
      expectClose(await read(clip, 2), [expected.norm, expected.factor], TOLERANCE, "norm and factor");
      expectClose(
        await read(buffers[0], 1300),
        pools[0].map((g) => g * expected.factor),
        TOLERANCE,
        "clipped",
      );
    }
  });

  test("terms folded for one thread, their number no multiple of those left", async () => {
    const terms = normals(5000, 1);
    const left = termsLeft(terms.length);
    const folded = sevens(left);
    await run(foldTerms(terms.length), upload(terms), folded);
    const expected = Float64Array.from({ length: left }, (_, i) => terms.reduce((sum, term, n) => (n % left === i ? sum + term : sum), 0));
    expectClose(await read(folded, left), expected, TOLERANCE, "folded");
    expect(termsLeft(left)).toBe(left);
  });

  test("AdamW over three steps; what is below 2^-125 is stored as +0", async () => {
    const count = 70;
    const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
    const start = normals(count, 1);
    start[0] = -1e-39;
    const state = { p: Float64Array.from(start), m: new Float64Array(count), v: new Float64Array(count) };
    const [p, m, v] = [upload(start), upload(new Float32Array(count)), upload(new Float32Array(count))];
    for (let step = 1; step <= 3; step++) {
      const g = normals(count, 10 + step);
      g[0] = 0;
      optimTwin.adamw(state, g, step, settings);
      const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
      const host = [1 - learningRate * weightDecay, learningRate / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step), epsilon];
      await run(adamw(count), uniform(Float32Array.of(...host, beta1, beta2, 1 - beta1, 1 - beta2)), upload(g), p, m, v);
    }
    const actual = await read(p, count);
    expect(Object.is(actual[0], 0)).toBe(true);
    expectClose(actual, state.p, TOLERANCE, "p");
  });
});
