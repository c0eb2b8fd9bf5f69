import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE_PROFILES, linearGrid } from "@starling/shaders";
import { segmentMaxima, tileWorkgroupSize, topK } from "@starling/shaders/kernels/compress/index";
import { decodeSparse, encodeTiles, selectTopk } from "@starling/shaders/reference/compress/encode";
import { seededRandom } from "@starling/shaders/reference/compress/testSent";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { Encoder } from "./encoder.ts";
import { TilePlan } from "./tilePlan.ts";

const SEED = 99;
const SHAPES = [
  { name: "matrix", shape: [128, 128] },
  { name: "odd", shape: [86, 35] },
  { name: "prime", shape: [67, 5] },
  { name: "vector", shape: [96] },
  { name: "single", shape: [1] },
];

for (const profile of BASE_PROFILES) {
  describe(`Encoder, ${profile} profile`, () => {
    let device: Device;
    let parameters: ParameterSet;
    beforeAll(async () => {
      device = await createTestDevice(profile);
      parameters = new ParameterSet(device, SHAPES);
    });
    afterAll(() => {
      parameters.dispose();
      device.dispose();
    });

    /** Random values in the gradient pools, which stand in for the residual's. */
    function fill(random: () => number): Map<string, Float32Array> {
      const values = new Map<string, Float32Array>();
      for (const { name, elements } of parameters.parameters) {
        const tensor = Float32Array.from({ length: elements }, () => random() - 0.5);
        values.set(name, tensor);
        parameters.write("grad", name, tensor);
      }
      return values;
    }

    for (const batchElements of [1 << 22, 5000]) {
      it(`chooses the top-k of the DCT and takes exactly that out again, in batches of ${batchElements} (seed ${SEED})`, async () => {
        const topk = 9;
        const plan = new TilePlan(device, parameters, { chunk: 64, topk, batchElements });
        expect(plan.batches.length > 1).toBe(batchElements === 5000);
        const values = fill(seededRandom(SEED));
        const encoder = await Encoder.create(plan, parameters.pools("grad"));
        encoder.encode();
        const sent = await encoder.sent();
        const sentValues = new Float32Array(sent.valueBits.buffer);
        encoder.subtractSent();
        let first = 0;
        for (const { name, index } of parameters.parameters) {
          const layout = plan.layouts[index];
          const k = Math.min(topk, layout.total);
          const coefficients = encodeTiles(layout, values.get(name)!);
          for (let tile = 0; tile < layout.tiles; tile++) {
            const own = coefficients.subarray(tile * layout.total, (tile + 1) * layout.total);
            const chosen = [...sent.index.subarray(first + tile * k, first + (tile + 1) * k)];
            expect(chosen).toEqual(selectTopk(own, k));
            const reach = Math.max(...own.map(Math.abs));
            chosen.forEach((position, n) => expect(Math.abs(sentValues[first + tile * k + n] - own[position])).toBeLessThan(2e-6 * reach));
          }
          const count = layout.tiles * k;
          const worth = decodeSparse(layout, k, sent.index.subarray(first, first + count), sentValues.subarray(first, first + count));
          const left = await parameters.read("grad", name);
          left.forEach((value, at) => expect(Math.abs(value - (values.get(name)![at] - worth[at]))).toBeLessThan(2e-6));
          first += count;
        }
        encoder.dispose();
        plan.dispose();
      });
    }

    it(`breaks ties by position, within and across segments of 64 (seed ${SEED})`, async () => {
      const random = seededRandom(SEED);
      for (const topk of [1, 7, 64, 300]) {
        const plan = new TilePlan(device, parameters, { chunk: 64, topk });
        const [{ tiles, tileCount, sentCount, batches }] = plan.pools;
        // few distinct magnitudes, zeros of both signs among them
        const dense = Float32Array.from(
          { length: batches[0].denseCount },
          () => (Math.floor(random() * 4) / 2) * (random() < 0.5 ? -1 : 1),
        );
        const coefficients = device.bufferOf("coefficients", dense);
        const maxima = device.buffer("maxima", tileCount * 64 * 8);
        const index = device.buffer("index", sentCount * 4);
        const value = device.buffer("value", sentCount * 4);
        const size = tileWorkgroupSize(profile);
        device.run([
          await device.dispatch(
            segmentMaxima,
            { WORKGROUP_SIZE: 64 },
            [batches[0].uniform, tiles, coefficients, maxima],
            linearGrid(tileCount * 64, 64),
          ),
          await device.dispatch(
            topK,
            { WORKGROUP_SIZE: size },
            [batches[0].uniform, tiles, coefficients, maxima, index, value],
            linearGrid(tileCount, size),
          ),
        ]);
        const chosen = new Uint32Array(await device.read(index, sentCount * 4));
        const values = new Float32Array(await device.read(value, sentCount * 4));
        let first = 0;
        let start = 0;
        for (const layout of plan.layouts) {
          const k = Math.min(topk, layout.total);
          for (let tile = 0; tile < layout.tiles; tile++, first += k, start += layout.total) {
            const own = dense.subarray(start, start + layout.total);
            const expected = selectTopk(own, k);
            expect([...chosen.subarray(first, first + k)]).toEqual(expected);
            expect([...values.subarray(first, first + k)]).toEqual(expected.map((position) => own[position]));
          }
        }
        for (const buffer of [coefficients, maxima, index, value]) buffer.destroy();
        plan.dispose();
      }
    });
  });
}
