/** The kernels between devices against their f64 twins, at sizes that divide nothing. Values are normal, seed 1. */
import { BASE_PROFILES } from "@starling/shaders";
import { embeddingScatterAdd } from "@starling/shaders/kernels/embedding";
import type { KernelCall } from "@starling/shaders/kernels/kernelCall";
import * as kernels from "@starling/shaders/kernels/parallel";
import { embeddingScatterAdd as scatterAddTwin } from "@starling/shaders/reference/embedding";
import { crossEntropy } from "@starling/shaders/reference/loss";
import * as twins from "@starling/shaders/reference/parallel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { expectClose, normals } from "../model/testing.ts";

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
  const sevens = (elements: number) => upload(new Float32Array(elements).fill(7));
  const run = async ({ spec, constants, grid, sizes }: KernelCall, ...buffers: GPUBuffer[]) =>
    device.run([await device.dispatch(spec, constants, sizes ? [uniform(sizes), ...buffers] : buffers, grid)]);
  const read = async (buffer: GPUBuffer, elements: number) => new Float32Array(await device.read(buffer, elements * 4));

  test("sum and accumulate", async () => {
    const a = normals(77, 1);
    const b = normals(77, 2);
    const y = sevens(77);
    await run(kernels.sum(77), upload(a), upload(b), y);
    const expected = a.map((v, i) => v + b[i]);
    expect(await read(y, 77)).toEqual(expected);
    await run(kernels.accumulate(77), upload(b), y);
    expect(await read(y, 77)).toEqual(expected.map((v, i) => v + b[i]));
  });

  test("columns out of a matrix and back into it", async () => {
    const [rows, pitch, first, columns] = [5, 13, 4, 6];
    const matrix = normals(rows * pitch, 1);
    const whole = upload(matrix);
    const slice = sevens(rows * columns);
    await run(kernels.copyColumns(rows, columns, { pitch, first }, { pitch: columns, first: 0 }, "overwrite"), whole, slice);
    const cut = twins.sliceColumns(matrix, rows, columns, { pitch, first });
    expect(await read(slice, rows * columns)).toEqual(Float32Array.from(cut));
    await run(kernels.copyColumns(rows, columns, { pitch: columns, first: 0 }, { pitch, first }, "add"), slice, whole);
    const doubled = matrix.map((v, i) => (i % pitch >= first && i % pitch < first + columns ? v + v : v));
    expect(await read(whole, rows * pitch)).toEqual(doubled);
  });

  test("a shard's embedding rows: zeros and no gradient for tokens elsewhere", async () => {
    const width = 5;
    const vocabulary = 4;
    const tokens = Int32Array.from([-1, 3, -1, 0, 3, -1, 3, 2, -1]);
    const rows = tokens.length;
    const table = normals(vocabulary * width, 1);
    const y = sevens(rows * width);
    await run(kernels.gatherShard(rows, width), upload(tokens), upload(table), y);
    expect(await read(y, rows * width)).toEqual(Float32Array.from(twins.gatherShard(tokens, table, width)));

    const dy = normals(rows * width, 2);
    const occurrences = new Uint32Array(2 * rows + 1);
    kernels.shardOccurrences(tokens, new Uint32Array(vocabulary), occurrences);
    const dTable = sevens(vocabulary * width);
    await run(embeddingScatterAdd(rows, width), upload(tokens), upload(occurrences), upload(dy), dTable);
    const kept = [...tokens.keys()].filter((m) => tokens[m] >= 0);
    const expected = scatterAddTwin(
      kept.map((m) => tokens[m]),
      kept.flatMap((m) => [...dy.subarray(m * width, (m + 1) * width)]),
      vocabulary,
      width,
    );
    expectClose(
      await read(dTable, vocabulary * width),
      expected.map((v) => v + 7),
      TOLERANCE,
      "dTable",
    );
  });

  test("a softmax over three devices' columns is the whole vocabulary's", async () => {
    const bounds = [0, 3, 131, 150];
    const rows = 9;
    const vocabulary = 150;
    const logits = normals(rows * vocabulary, 1).map((v) => 20 * v);
    const targets = Int32Array.from([0, 149, -100, 2, 3, 130, 131, -100, 64]);
    const scale = 0.3;
    const { losses, dLogits } = crossEntropy(logits, targets, vocabulary, scale);
    const parts = sevens(3 * 3 * rows);
    const shards = bounds.slice(0, 3).map((first, index) => {
      const columns = bounds[index + 1] - first;
      const values = Float32Array.from(twins.sliceColumns(logits, rows, columns, { pitch: vocabulary, first }));
      return { shard: { first, columns, index, count: 3 }, values, buffer: upload(values) };
    });
    for (const { shard, buffer } of shards) await run(kernels.softmaxShard(profile, rows, shard), upload(targets), buffer, parts);
    const expectedParts = shards.flatMap(({ shard, values }) => [...twins.softmaxShard(values, targets, shard.first)]);
    expectClose(await read(parts, 9 * rows), expectedParts, TOLERANCE, "parts");
    const lse = sevens(rows);
    const rowLosses = sevens(rows);
    await run(kernels.lossOfShards(rows, 3), upload(targets), parts, lse, rowLosses);
    expectClose(await read(rowLosses, rows), losses, TOLERANCE, "losses");
    for (const { shard, buffer } of shards) {
      await run(kernels.logitGradient(rows, shard), uniform(Float32Array.of(scale)), upload(targets), lse, buffer);
      const expected = twins.sliceColumns(dLogits, rows, shard.columns, { pitch: vocabulary, first: shard.first });
      // exp of a difference of logits some 60 apart: their rounding is a relative error of the result
      expectClose(await read(buffer, rows * shard.columns), expected, 2e-5, `gradient of shard ${shard.index}`, scale);
    }
  });
});
