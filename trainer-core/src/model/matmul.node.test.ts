/** The matrix product of every profile against its f64 twin, at sizes that divide nothing. Values are normal, seed 1. */
import { matmul, splitWeightGradient, type MatmulForm, type MatmulOptions, type MatmulStore } from "@starling/shaders/kernels/matmul";
import { KERNEL_PROFILES, type KernelProfile } from "@starling/shaders";
import { MATMUL_TILES } from "@starling/shaders/kernels/matmulTiles";
import { tuningOf } from "@starling/shaders/lab/tuning";
import * as twin from "@starling/shaders/reference/matmul";
import type { Numbers } from "@starling/shaders/reference/numbers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { DispatchListBuilder } from "./dispatchList.ts";
import { expectClose, normals } from "./testing.ts";

/** Largest difference as a share of the largest value: f32 sums of a few hundred terms. */
const TOLERANCE = 5e-6;
/** Tensor cores may round an operand to the half on either side: off by up to 2^-10 of it, and sums of many terms by less. */
const HARDWARE_HALF_TOLERANCE = 2 ** -9;

type Data = Float32Array<ArrayBuffer>;

/** Forms with their inputs, what they should give, and (rows, columns) of a, b and c. Profile tensor multiplies halves. */
function forms(profile: KernelProfile, m: number, n: number, k: number) {
  const x = normals(m * k, 1);
  const w = normals(n * k, 2);
  const dy = normals(m * n, 3);
  const used = (values: Data) => (profile === "tensor" ? values.map(Math.f16round) : values);
  const shapes = { x: [m, k], w: [n, k], dy: [m, n] } as const;
  return [
    ["forward", x, w, twin.linearForward(used(x), used(w), m, n, k), [shapes.x, shapes.w, shapes.dy]],
    ["inputGradient", dy, w, twin.linearInputGradient(used(dy), used(w), m, n, k), [shapes.dy, shapes.w, shapes.x]],
    ["weightGradient", dy, x, twin.linearWeightGradient(used(dy), used(x), m, n, k), [shapes.dy, shapes.x, shapes.w]],
  ] as const satisfies [MatmulForm, Data, Data, Float64Array, unknown][];
}

/** (rows, columns) spread over rows of `pitch`, 7 between them. */
function spread(data: Numbers, [rows, columns]: readonly [number, number], pitch: number): Data {
  const wide = new Float32Array(rows * pitch).fill(7);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) wide[r * pitch + c] = data[r * columns + c];
  return wide;
}

describe.each(KERNEL_PROFILES)("matmul, %s", (profile) => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice(profile);
  });
  afterAll(() => device.dispose());
  /** As `forms` has it, but with real tensor cores, whose rounding is their own. */
  const tolerance = () => (profile === "tensor" && device.features.subgroupMatrices.length > 0 ? HARDWARE_HALF_TOLERANCE : TOLERANCE);

  const upload = (data: Data) => device.bufferOf("test", data);

  /** c starts as `start`. */
  async function product(
    form: MatmulForm,
    store: MatmulStore,
    [m, n, k]: readonly [number, number, number],
    [a, b, residual, start]: readonly Data[],
    options: MatmulOptions = {},
  ): Promise<Float32Array> {
    const { spec, constants, grid, sizes } = matmul(profile, form, store, m, n, k, { ...options, adapter: device.features });
    const uniform = device.uniform("test", sizes!.byteLength);
    device.write(uniform, sizes!);
    const buffers = [uniform, upload(a), upload(b), upload(residual), upload(start)];
    device.run([await device.dispatch(spec, constants, buffers, grid)]);
    const out = new Float32Array(await device.read(buffers[4], start.byteLength));
    for (const buffer of buffers) buffer.destroy();
    return out;
  }

  test.each([
    [37, 45, 30],
    [5, 3, 1],
    [70, 129, 17],
    [64, 64, 32],
  ])("m %i, n %i, k %i", async (m, n, k) => {
    for (const [form, a, b, expected] of forms(profile, m, n, k)) {
      const residual = normals(expected.length, 4);
      const results: Record<MatmulStore, Numbers> = {
        overwrite: expected,
        add: expected.map((v) => v + 7),
        residual: expected.map((v, i) => v + residual[i]),
      };
      for (const store of ["overwrite", "add", "residual"] as const) {
        const sevens = new Float32Array(expected.length).fill(7);
        expectClose(await product(form, store, [m, n, k], [a, b, residual, sevens]), results[store], tolerance(), `${form} ${store}`);
      }
    }
  });

  test("rows of a wider matrix: what lies between them is neither read nor written", async () => {
    const [m, n, k] = [19, 12, 28];
    for (const [form, a, b, expected, [aShape, bShape, cShape]] of forms(profile, m, n, k)) {
      const pitches = { a: aShape[1] + 4, b: bShape[1] + 8, c: cShape[1] + 4 };
      const buffers = [
        spread(a, aShape, pitches.a),
        spread(b, bShape, pitches.b),
        spread(expected, cShape, pitches.c),
        new Float32Array(cShape[0] * pitches.c).fill(7),
      ];
      const doubled = expected.map((v) => 2 * v);
      const actual = await product(form, "residual", [m, n, k], buffers, { pitches });
      expectClose(actual, spread(doubled, cShape, pitches.c), tolerance(), form);
      expect(actual.filter((_, i) => i % pitches.c >= cShape[1]).every((v) => v === 7)).toBe(true);
    }
  });

  test("every tile gives the same product", async () => {
    const [m, n, k] = [37, 44, 28];
    const [[form, a, b, expected]] = forms(profile, m, n, k);
    const sevens = new Float32Array(expected.length).fill(7);
    const { tileLimits } = device;
    for (const name of Object.keys(MATMUL_TILES[profile])) {
      const tuning = tuningOf({ [profile]: { [form]: { small: name } } }, tileLimits);
      // software adapters have room for the largest
      expect(tuning[profile][form].small).toBe(name);
      const actual = await product(form, "overwrite", [m, n, k], [a, b, sevens, sevens], { tuning });
      expectClose(actual, expected, tolerance(), name);
    }
  });

  test("a weight gradient whose sum is split in parts, the last one shorter", async () => {
    const [m, n, k] = [700, 12, 20];
    const [, , [, dy, x, whole]] = forms(profile, m, n, k);
    const split = splitWeightGradient(profile, "add", m, n, k, { adapter: device.features });
    if (profile === "software") return expect(split).toBeNull();
    const list = new DispatchListBuilder(device, new Map());
    const [a, b, c] = [upload(dy), upload(x), upload(new Float32Array(n * k).fill(7))];
    list.matmul("weightGradient", "add", [m, n, k], a, b, c);
    const dispatches = await list.build();
    expect(dispatches.length).toBe(2);
    expect(split!.partElements).toBe(2 * n * k);
    device.run(dispatches);
    const expected = whole.map((v) => v + 7);
    expectClose(new Float32Array(await device.read(c)), expected, tolerance(), "sum of the parts");
  });
});
