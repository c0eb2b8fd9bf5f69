/** Every kernel of both profiles but the matrix product (matmul.node.test.ts) against its f64 twin, at sizes that divide nothing. Values are normal, seed 1. */
import { attentionBackwardKeys, attentionBackwardQueries, attentionForward, attentionRope } from "@starling/shaders/kernels/attention";
import { embeddingGather, embeddingScatterAdd, tokenOccurrences } from "@starling/shaders/kernels/embedding";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import { crossEntropy, lossSum } from "@starling/shaders/kernels/loss";
import { swigluBackward, swigluForward } from "@starling/shaders/kernels/mlp";
import { NORM_SLICE_ROWS, normBackward, normForward, normSumSlices, normWeightGradient } from "@starling/shaders/kernels/norm";
import { adamw, applyClip, clipFactor, squareSum, SQUARE_SUM_CHUNK } from "@starling/shaders/kernels/optim";
import { BASE_PROFILES } from "@starling/shaders";
import * as attentionTwin from "@starling/shaders/reference/attention";
import * as embeddingTwin from "@starling/shaders/reference/embedding";
import * as lossTwin from "@starling/shaders/reference/loss";
import * as mlpTwin from "@starling/shaders/reference/mlp";
import * as normTwin from "@starling/shaders/reference/norm";
import * as optimTwin from "@starling/shaders/reference/optim";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { ropeTable } from "./rope.ts";
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

  test("RMSNorm", async () => {
    const [rows, width, epsilon] = [70, 18, 1e-3];
    const [x, weight, dy] = [normals(rows * width, 1), normals(width, 2), normals(rows * width, 3)];
    const expected = normTwin.normForward(x, weight, epsilon);
    const [y, rstd] = [sevens(rows * width), sevens(rows)];
    await run(normForward(profile, rows, width, epsilon), upload(x), upload(weight), y, rstd);
    expectClose(await read(y, rows * width), expected.y, TOLERANCE, "y");
    expectClose(await read(rstd, rows), expected.rstd, TOLERANCE, "rstd");

    const { dx, dWeight } = normTwin.normBackward(dy, x, weight, expected.rstd);
    for (const accumulate of [false, true]) {
      const actual = sevens(rows * width);
      await run(normBackward(profile, rows, width, accumulate), upload(dy), upload(x), upload(weight), rstd, actual);
      expectClose(
        await read(actual, rows * width),
        dx.map((v) => v + (accumulate ? 7 : 0)),
        TOLERANCE,
        "dx",
      );
    }
    const partials = sevens(Math.ceil(rows / NORM_SLICE_ROWS) * width);
    const actual = sevens(width);
    await run(normWeightGradient(rows, width), upload(dy), upload(x), rstd, partials);
    await run(normSumSlices(rows, width), partials, actual);
    expectClose(
      await read(actual, width),
      dWeight.map((v) => v + 7),
      TOLERANCE,
      "dWeight",
    );
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

  test("cross-entropy, with uncounted rows and logits that would overflow", async () => {
    const [rows, vocabulary, scale] = [9, 141, 0.25];
    const logits = normals(rows * vocabulary, 1);
    for (let v = 0; v < vocabulary; v++) logits[4 * vocabulary + v] = 900 + 20 * logits[v];
    const targets = Int32Array.from([0, 140, -100, 7, 9, 3, -100, 77, 139]);
    const expected = lossTwin.crossEntropy(logits, targets, vocabulary, scale);
    for (const backward of [true, false]) {
      const [actual, losses, sums] = [upload(logits), sevens(rows), sevens(3)];
      await run(
        crossEntropy(profile, rows, vocabulary, backward),
        uniform(Float32Array.of(scale, 0, 0, 0)),
        upload(targets),
        actual,
        losses,
      );
      expectClose(await read(losses, rows), expected.losses, TOLERANCE, "losses");
      expectClose(await read(actual, logits.length), backward ? expected.dLogits : logits, TOLERANCE, "dLogits");
      await run(lossSum(rows), uniform(Uint32Array.of(1, 0, 0, 0)), losses, sums);
      const sum = expected.losses.reduce((a, b) => a + b, 0);
      expectClose(await read(sums, 3), [7, sum, 7], TOLERANCE, "sum in its slot");
    }
  });

  test.each([
    { batch: 2, sequence: 13, queryHeads: 6, keyHeads: 2, headDim: 18 },
    { batch: 1, sequence: 33, queryHeads: 2, keyHeads: 2, headDim: 12 },
    { batch: 3, sequence: 1, queryHeads: 1, keyHeads: 1, headDim: 2 },
  ])("attention $batch x $sequence, heads $queryHeads/$keyHeads of $headDim", async (shape) => {
    const { batch, sequence, queryHeads, keyHeads, headDim } = shape;
    const rows = batch * sequence;
    const [qSize, kSize] = [rows * queryHeads * headDim, rows * keyHeads * headDim];
    const table = ropeTable({ headDim, ropeTheta: 100, ropeScaling: { type: "linear", factor: 2 } }, sequence);
    const [q0, k0] = [normals(qSize, 1), normals(kSize, 2)];
    const [q, k, v, dOut] = [upload(q0), upload(k0), normals(kSize, 3), normals(qSize, 4)];
    await run(attentionRope(shape, false), upload(table), q, k);
    const qTwin = attentionTwin.rope(q0, table, queryHeads, headDim, sequence, 1);
    const kTwin = attentionTwin.rope(k0, table, keyHeads, headDim, sequence, 1);
    expectClose(await read(q, qSize), qTwin, TOLERANCE, "rope q");
    expectClose(await read(k, kSize), kTwin, TOLERANCE, "rope k");

    const forward = attentionTwin.attentionForward(shape, qTwin, kTwin, v);
    const [out, lse] = [sevens(qSize), sevens(rows * queryHeads)];
    await run(attentionForward(profile, shape), q, k, upload(v), out, lse);
    expectClose(await read(out, qSize), forward.out, TOLERANCE, "out");
    expectClose(await read(lse, rows * queryHeads), forward.lse, TOLERANCE, "lse");

    const backward = attentionTwin.attentionBackward(shape, qTwin, kTwin, v, forward.out, dOut);
    const [delta, dq, dk, dv] = [sevens(rows * queryHeads), sevens(qSize), sevens(kSize), sevens(kSize)];
    await run(attentionBackwardQueries(profile, shape), q, k, upload(v), out, upload(dOut), lse, delta, dq);
    await run(attentionBackwardKeys(profile, shape), q, k, upload(v), upload(dOut), lse, delta, dk, dv);
    // one token attends to itself alone: dq and dk are exactly 0 in the twin
    const zero = sequence === 1;
    expectClose(await read(dq, qSize), backward.dq, TOLERANCE, "dq", zero ? 1 : undefined);
    expectClose(await read(dk, kSize), backward.dk, TOLERANCE, "dk", zero ? 1 : undefined);
    expectClose(await read(dv, kSize), backward.dv, TOLERANCE, "dv");

    await run(attentionRope(shape, true), upload(table), q, k);
    expectClose(await read(q, qSize), q0, TOLERANCE, "rope is undone");
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
