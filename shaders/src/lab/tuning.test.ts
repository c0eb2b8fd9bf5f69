/** What an adapter gets when nobody measured it, or when a file says something it cannot do. */
import { expect, test } from "vitest";
import { KERNEL_PROFILES } from "../kernel.ts";
import { MATMUL_FORMS } from "../kernels/matmul.ts";
import { DEFAULT_TUNING, LEAST_LIMITS, MATMUL_TILES, SHAPE_CLASSES, tileFits } from "../kernels/matmulTiles.ts";
import table from "./tuning.json" with { type: "json" };
import { sweepTiles } from "./sweep.ts";
import { adapterKey, measuredEntry, tuningOf, type TuningEntry } from "./tuning.ts";

const FOREIGN = { vendor: "acme", architecture: "", device: "graphics-9000", description: "acme: 1.2" };

test("a foreign adapter gets tiles that WebGPU's least limits allow", () => {
  expect(adapterKey(FOREIGN)).toBe("acme / ? / graphics-9000 / acme: 1.2");
  expect(measuredEntry(FOREIGN)).toBeNull();
  // a name that every object has is no adapter's
  expect(measuredEntry({ vendor: "", architecture: "", device: "toString", description: "" })).toBeNull();
  expect(measuredEntry({ vendor: "", architecture: "", device: "", description: "" })).toBeNull();
  // a page is told neither model nor driver
  const software = { vendor: "google", architecture: "swiftshader" };
  const measured = measuredEntry({ ...software, device: "swiftshader-device-subzero-", description: "SwiftShader driver 5.0.0" });
  expect(measured).not.toBeNull();
  expect(measuredEntry({ ...software, device: "", description: "" })).toBe(measured);
  expect(measuredEntry({ ...software, device: "swiftshader-device-llvm-", description: "SwiftShader driver 5.0.0" })).toBeNull();
  const tuning = tuningOf({});
  expect(tuning).toEqual(DEFAULT_TUNING);
  for (const profile of KERNEL_PROFILES) {
    for (const form of MATMUL_FORMS) {
      for (const shape of SHAPE_CLASSES) expect(tileFits(profile, tuning[profile][form][shape], LEAST_LIMITS)).toBe(true);
    }
  }
});

test("what is unknown or too large for the adapter is not taken, the rest is", () => {
  const entry: TuningEntry = {
    gpu: { forward: { large: "128x128x16", medium: "128x128x8", small: "999x999" }, inputGradient: { small: "constructor" } },
    tensor: { sideways: { small: "2x2 of 2x2" } },
  };
  const small = tuningOf(entry);
  expect(small.gpu.forward).toEqual({ ...DEFAULT_TUNING.gpu.forward, medium: "128x128x8" });
  expect(small.gpu.inputGradient).toEqual(DEFAULT_TUNING.gpu.inputGradient);
  expect(small.tensor).toEqual(DEFAULT_TUNING.tensor);
  const roomy = tuningOf(entry, { ...LEAST_LIMITS, workgroupBytes: 32768 });
  expect(roomy.gpu.forward.large).toBe("128x128x16");
});

test("the committed table names tiles that exist", () => {
  for (const [adapter, entry] of Object.entries(table as Record<string, TuningEntry>)) {
    for (const profile of KERNEL_PROFILES) {
      for (const shapes of Object.values(entry[profile] ?? {})) {
        for (const tile of Object.values(shapes)) expect(Object.keys(MATMUL_TILES[profile]), adapter).toContain(tile);
      }
    }
  }
});

test("a sweep keeps the fastest tile that runs, and stops when its time is over", async () => {
  let clock = 0;
  const options = {
    profile: "gpu" as const,
    adapter: { subgroups: false, maxSubgroupSize: 0, subgroupMatrices: [] },
    limits: LEAST_LIMITS,
    shapes: [[1024, 768, 768]] as const,
    now: () => clock,
    // larger grids are slower; the smallest tile does not run at all
    time: async ({ grid }: { grid: readonly number[] }) => {
      clock += 10;
      if (grid[0] === 24) throw new Error("no pipeline");
      return grid[0] * grid[1];
    },
  };
  const all = await sweepTiles({ ...options, budgetMs: 1000 });
  // 128x128x16 needs more workgroup memory than this adapter has
  expect(all.gpu).toEqual({
    forward: { medium: "128x128x8" },
    inputGradient: { medium: "128x128x8" },
    weightGradient: { medium: "128x128x8" },
  });
  const tiles = Object.keys(MATMUL_TILES.gpu).filter((tile) => tileFits("gpu", tile, LEAST_LIMITS)).length;
  clock = 0;
  expect((await sweepTiles({ ...options, budgetMs: tiles * 10 + 5 })).gpu).toEqual({ forward: { medium: "128x128x8" } });
});
