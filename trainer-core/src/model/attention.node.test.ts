/** Attention in every profile and storage against its f64 twin, at random shapes and degenerate ones; rope likewise. */
import {
  attentionBackwardKeys,
  attentionBackwardQueries,
  attentionForward,
  attentionRope,
  type AttentionShape,
} from "@starling/shaders/kernels/attention";
import type { Storage } from "@starling/shaders/kernels/storage";
import { BASE_PROFILES, type BaseProfile } from "@starling/shaders";
import { seededRandom } from "@starling/shaders/reference/compress/testSent";
import * as twin from "@starling/shaders/reference/attention";
import { roundToStorage } from "@starling/shaders/reference/storage";
import { afterAll, afterEach, beforeAll, describe, onTestFinished, test } from "vitest";
import { createTestDevice } from "../device/testDevice.node.ts";
import { KernelBed } from "./kernelBed.ts";
import { ropeTable } from "./rope.ts";
import { expectClose, normals } from "./testing.ts";

/** Fresh every time; set STARLING_TEST_SEED to what a failure names to see it again. */
const SEED = Number(process.env["STARLING_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Largest difference as a share of the largest value: f32 sums of a few hundred terms; a half's rounding of what is stored. */
const TOLERANCE: Record<Storage, number> = { f32: 1e-5, f16: 1e-3, packed: 1e-3 };

/** Each head_dim is a text of its own, whose compilation is what these tests cost; shapes are not. */
const CASES: Record<BaseProfile, readonly (readonly [headDim: number, Storage])[]> = {
  // odd, all in one chunk; chunks of 16 dimensions, the last in part; whole ones
  software: [
    [18, "f32"],
    [36, "f32"],
    [16, "packed"],
    [16, "f16"],
  ],
  // odd; two widths of 32 dimensions, one in part; a whole one
  gpu: [
    [18, "f32"],
    [44, "f32"],
    [32, "packed"],
    [16, "f16"],
  ],
};

describe.each(BASE_PROFILES)("%s attention agrees with its twin", (profile) => {
  let bed: KernelBed;
  beforeAll(async () => {
    bed = new KernelBed(await createTestDevice(profile));
  });
  afterEach(() => bed.clear());
  afterAll(() => bed.device.dispose());

  async function check(shape: AttentionShape, storage: Storage, queryScale: number, seed: number): Promise<void> {
    const { batch, sequence, queryHeads, keyHeads, headDim } = shape;
    const what = `${JSON.stringify(shape)} ${storage}, queries x ${queryScale}, seed ${seed}`;
    const rows = batch * sequence;
    const [qSize, kSize, statistics] = [rows * queryHeads * headDim, rows * keyHeads * headDim, rows * queryHeads];
    const stored = (n: number, values: Float32Array) => ({ n, values: roundToStorage(values, storage) });
    const q = stored(
      qSize,
      normals(qSize, seed).map((x) => x * queryScale),
    );
    const [k, v, dOut] = [
      stored(kSize, normals(kSize, seed + 1)),
      stored(kSize, normals(kSize, seed + 2)),
      stored(qSize, normals(qSize, seed + 3)),
    ];
    const [Q, K, V, D] = [q, k, v, dOut].map(({ values }) => bed.tensor(values, storage));
    const storages = { activations: storage, weights: storage };

    const forward = twin.attentionForward(shape, q.values, k.values, v.values);
    const [out, lse] = [bed.sevens(qSize, storage), bed.sevens(statistics)];
    await bed.run(attentionForward(profile, shape, storages), Q, K, V, out, lse);
    const attended = await bed.read(out, qSize, storage);
    expectClose(attended, forward.out, TOLERANCE[storage], `out, ${what}`);
    expectClose(await bed.read(lse, statistics), forward.lse, TOLERANCE.f32, `lse, ${what}`);

    // backward reads what forward stored
    const backward = twin.attentionBackward(shape, q.values, k.values, v.values, attended, dOut.values);
    const [delta, dq, dk, dv] = [
      bed.sevens(statistics),
      bed.sevens(qSize, storage),
      bed.sevens(kSize, storage),
      bed.sevens(kSize, storage),
    ];
    await bed.run(attentionBackwardQueries(profile, shape, storages), Q, K, V, out, D, lse, delta, dq);
    await bed.run(attentionBackwardKeys(profile, shape, storages), Q, K, V, D, lse, delta, dk, dv);
    // a token that sees itself alone has a gradient of 0 there: rounding is measured against the gradient of v
    const scale = Math.max(...backward.dv.map(Math.abs)) * Math.max(1, queryScale);
    expectClose(await bed.read(dq, qSize, storage), backward.dq, TOLERANCE[storage], `dq, ${what}`, scale);
    expectClose(await bed.read(dk, kSize, storage), backward.dk, TOLERANCE[storage], `dk, ${what}`, scale);
    expectClose(await bed.read(dv, kSize, storage), backward.dv, TOLERANCE[storage], `dv, ${what}`);
  }

  test.for(CASES[profile])(`head_dim %i, %s, seed ${SEED}`, async ([headDim, storage], context) => {
    if (storage === "f16" && !bed.device.features.shaderF16) {
      return context.skip(`${bed.device.adapter.description} has no shader-f16`);
    }
    const random = seededRandom(SEED + headDim);
    const upTo = (most: number) => 1 + Math.floor(random() * most);
    for (let n = 0; n < 3; n++) {
      const [keyHeads, group] = [upTo(3), upTo(3)];
      await check({ batch: upTo(2), sequence: upTo(80), queryHeads: keyHeads * group, keyHeads, headDim }, storage, 1, SEED + 10 * n);
    }
    // one token; rows of several tiles; scores of some hundred, where exp without the maximum taken off would overflow
    await check({ batch: 2, sequence: 1, queryHeads: 1, keyHeads: 1, headDim }, storage, 1, 1);
    await check({ batch: 1, sequence: 131, queryHeads: 2, keyHeads: 1, headDim }, storage, 1, 2);
    await check({ batch: 1, sequence: 20, queryHeads: 3, keyHeads: 3, headDim }, storage, 64, 3);
  });
});

test.for(["f32", "packed", "f16"] as const)("rope in %s turns as its twin, and back", async (storage, context) => {
  const device = await createTestDevice();
  onTestFinished(() => device.dispose());
  if (storage === "f16" && !device.features.shaderF16) return context.skip(`${device.adapter.description} has no shader-f16`);
  const bed = new KernelBed(device);
  const shape = { batch: 2, sequence: 13, queryHeads: 3, keyHeads: 1, headDim: storage === "f32" ? 18 : 20 };
  const rows = shape.batch * shape.sequence;
  const table = ropeTable({ headDim: shape.headDim, ropeTheta: 100, ropeScaling: { type: "linear", factor: 2 } }, shape.sequence);
  const heads = [shape.queryHeads, shape.keyHeads];
  const values = heads.map((count, n) => roundToStorage(normals(rows * count * shape.headDim, 1 + n), storage));
  const tensors = values.map((x) => bed.tensor(x, storage));
  const storages = { activations: storage, weights: storage };
  await bed.run(attentionRope(shape, false, storages), bed.upload(table), tensors[0], tensors[1]);
  for (const [n, x] of values.entries()) {
    const turned = twin.rope(x, table, heads[n], shape.headDim, shape.sequence, 1);
    expectClose(await bed.read(tensors[n], x.length, storage), turned, TOLERANCE[storage], `turned ${n}`);
  }
  await bed.run(attentionRope(shape, true, storages), bed.upload(table), tensors[0], tensors[1]);
  for (const [n, x] of values.entries()) expectClose(await bed.read(tensors[n], x.length, storage), x, 2 * TOLERANCE[storage], `back ${n}`);
});
