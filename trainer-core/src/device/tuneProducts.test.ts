/** When tiles are measured and what is kept, on a GPU that computes nothing and counts. */
import { MATMUL_FORMS } from "@starling/shaders/kernels/matmul";
import { expect, test } from "vitest";
import { countingGpu, TYPICAL_GPU, type AdapterFacts } from "./countingGpu.ts";
import { Device } from "./device.ts";
import { tuneProducts, type TuningEntry, type TuningStore } from "./tuneProducts.ts";

async function desk(facts: Partial<AdapterFacts> = {}) {
  const device = await Device.create(countingGpu({ ...TYPICAL_GPU, subgroupMatrices: [], ...facts }));
  const written: TuningEntry[] = [];
  const store: TuningStore = { read: async () => written.at(-1) ?? null, write: async (_, entry) => void written.push(entry) };
  let dispatches = 0;
  const run = device.run.bind(device);
  device.run = (list) => {
    dispatches += list.length;
    run(list);
  };
  return { device, written, store, dispatches: () => dispatches };
}

test("a GPU's tiles are measured once, many products at a time, and leave nothing behind", async () => {
  const { device, written, store, dispatches } = await desk();
  expect(device.profile).toBe("gpu");
  await tuneProducts(device, store, { budgetMs: 60_000, repeats: 2 });
  expect(written).toHaveLength(1);
  expect(Object.keys(written[0].gpu!)).toEqual([...MATMUL_FORMS]);
  for (const form of MATMUL_FORMS) expect(device.tuning.gpu[form]).toEqual(written[0].gpu![form]);
  // this GPU takes no time for a product
  expect(dispatches()).toBeGreaterThan(10_000);
  expect(device.memory.buffers).toBe(0);
  const before = dispatches();
  await tuneProducts(device, store, { budgetMs: 60_000 });
  expect([written.length, dispatches()]).toEqual([1, before]);
});

test("where the time was over before anything was measured nothing is kept; a software adapter is not measured at all", async () => {
  const late = await desk();
  const tiles = late.device.tuning;
  await tuneProducts(late.device, late.store, { budgetMs: 0 });
  expect(late.written).toEqual([]);
  expect(late.device.tuning).toEqual(tiles);
  const software = await desk({ isFallbackAdapter: true });
  await tuneProducts(software.device, software.store, { budgetMs: 60_000 });
  expect([software.written, software.dispatches()]).toEqual([[], 0]);
});
