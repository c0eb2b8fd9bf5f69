/** RMSNorm and cross-entropy in every profile and storage, by subgroups and without, against their f64 twins. */
import { crossEntropy, lossSum } from "@starling/shaders/kernels/loss";
import { NORM_SLICE_ROWS, normBackward, normForward, normSumSlices, normWeightGradient } from "@starling/shaders/kernels/norm";
import type { Storage } from "@starling/shaders/kernels/storage";
import { BASE_PROFILES } from "@starling/shaders";
import * as lossTwin from "@starling/shaders/reference/loss";
import * as normTwin from "@starling/shaders/reference/norm";
import { roundToStorage } from "@starling/shaders/reference/storage";
import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import { createTestDevice } from "../device/testDevice.node.ts";
import { KernelBed } from "./kernelBed.ts";
import { expectClose, normals } from "./testing.ts";

/** Fresh every time; set STARLING_TEST_SEED to what a failure names to see it again. */
const SEED = Number(process.env["STARLING_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Largest difference as a share of the largest value: f32 sums of a few hundred terms, exp within some ulp. */
const TOLERANCE = 5e-6;
/** Of what is stored as halves: their rounding. */
const NARROW = 1e-3;

const KINDS = BASE_PROFILES.flatMap((profile) =>
  (profile === "software" ? [false] : [false, true]).map((subgroups) => ({ profile, subgroups })),
);

describe.each(KINDS)("$profile, subgroups: $subgroups", ({ profile, subgroups }) => {
  let bed: KernelBed;
  beforeAll(async () => {
    bed = new KernelBed(await createTestDevice(profile));
  });
  afterEach(() => bed.clear());
  afterAll(() => bed.device.dispose());

  test.for([
    [70, 18, "f32"],
    [3, 1028, "f32"],
    [1, 1, "f32"],
    [70, 36, "packed"],
    [70, 36, "f16"],
  ] as const)(`RMSNorm, %i rows of %i, %s, seed ${SEED}`, async ([rows, width, storage], context) => {
    const { features, adapter } = bed.device;
    if (subgroups && !features.subgroups) return context.skip(`${adapter.description} has no subgroups`);
    if (storage === "f16" && !features.shaderF16) return context.skip(`${adapter.description} has no shader-f16`);
    const epsilon = 1e-3;
    const storages = { activations: storage, weights: storage };
    const narrow = (count: number, seed: number, kind: Storage = storage) => roundToStorage(normals(count, SEED + seed), kind);
    const [x, weight, dy] = [narrow(rows * width, 1, "f32"), narrow(width, 2), narrow(rows * width, 3)];
    const [X, W, D] = [bed.tensor(x), bed.tensor(weight, storage), bed.tensor(dy, storage)];
    const expected = normTwin.normForward(x, weight, epsilon);
    const [y, rstd] = [bed.sevens(rows * width, storage), bed.sevens(rows)];
    await bed.run(normForward(profile, rows, width, epsilon, storages, subgroups), X, W, y, rstd);
    expectClose(await bed.read(y, rows * width, storage), expected.y, storage === "f32" ? TOLERANCE : NARROW, "y");
    expectClose(await bed.read(rstd, rows), expected.rstd, TOLERANCE, "rstd");

    const { dx, dWeight } = normTwin.normBackward(dy, x, weight, expected.rstd);
    for (const accumulate of [false, true]) {
      const actual = bed.sevens(rows * width);
      await bed.run(normBackward(profile, rows, width, accumulate, storages, subgroups), D, X, W, rstd, actual);
      const sum = dx.map((v) => v + (accumulate ? 7 : 0));
      // in a row of one value all of its gradient is projected away
      expectClose(await bed.read(actual, rows * width), sum, TOLERANCE, "dx", width === 1 ? 7 : undefined);
    }
    const partials = bed.sevens(Math.ceil(rows / NORM_SLICE_ROWS) * width);
    const actual = bed.sevens(width);
    await bed.run(normWeightGradient(rows, width, storages), D, X, rstd, partials);
    await bed.run(normSumSlices(rows, width), partials, actual);
    const sum = dWeight.map((v) => v + 7);
    expectClose(await bed.read(actual, width), sum, TOLERANCE, "dWeight");
  });

  test.for([
    [9, 141],
    [5, 1028],
    [2, 1],
  ] as const)(`cross-entropy, %i rows of %i, seed ${SEED}`, async ([rows, vocabulary], context) => {
    const { features, adapter } = bed.device;
    if (subgroups && !features.subgroups) return context.skip(`${adapter.description} has no subgroups`);
    const scale = 0.25;
    const logits = normals(rows * vocabulary, SEED);
    const last = (rows - 1) * vocabulary;
    // exp of these would overflow, and of those be 0 throughout, were the maximum not taken off
    for (let v = 0; v < vocabulary; v++) logits[v] = 900 + 20 * logits[v];
    for (let v = 0; v < vocabulary; v++) logits[last + v] = -3e4 + 300 * logits[last + v];
    const some = Int32Array.from({ length: rows }, (_, m) => [vocabulary - 1, 0, -100, 3 % vocabulary][m % 4]);
    for (const targets of [some, new Int32Array(rows).fill(-100)]) {
      const expected = lossTwin.crossEntropy(logits, targets, vocabulary, scale);
      for (const backward of [true, false]) {
        const [actual, losses, sums] = [bed.upload(logits), bed.sevens(rows), bed.sevens(3)];
        const uniform = bed.uniform(Float32Array.of(scale, 0, 0, 0));
        await bed.run(crossEntropy(profile, rows, vocabulary, backward, subgroups), uniform, bed.upload(targets), actual, losses);
        // beside logits of thousands a loss is known to their rounding
        expectClose(await bed.read(losses, rows), expected.losses, TOLERANCE, "losses", 1000);
        const left = backward ? expected.dLogits : logits;
        expectClose(await bed.read(actual, logits.length), left, TOLERANCE, "logits", backward ? scale : undefined);
        await bed.run(lossSum(rows), bed.uniform(Uint32Array.of(1, 0, 0, 0)), losses, sums);
        const sum = expected.losses.reduce((a, b) => a + b, 0);
        expectClose(await bed.read(sums, 3), [7, sum, 7], TOLERANCE, "sum in its slot", 1000);
      }
    }
  });
});
