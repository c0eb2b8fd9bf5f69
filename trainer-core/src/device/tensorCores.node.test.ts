/** Products on real tensor cores, to the last bit: run by `npm test` on lavapipe too, which has some where this machine has no GPU. */
import { MATMUL_FORMS } from "@starling/shaders/kernels/matmul";
import { MATMUL_TILES, tileFits } from "@starling/shaders/kernels/matmulTiles";
import { expect, test } from "vitest";
import { wrongProduct } from "./openDevice.ts";
import { createTestDevice } from "./testDevice.node.ts";

/** a pipeline takes seconds to compile on a software adapter */
const PATIENCE_MS = 240_000;

test(
  "every tile that fits gives exact products of halves, the smallest of floats too, in every form",
  { timeout: 2 * PATIENCE_MS },
  async (context) => {
    const device = await createTestDevice("tensor");
    const [matrix] = device.features.subgroupMatrices;
    if (!matrix || !device.features.shaderF16) {
      device.dispose();
      return context.skip("this adapter has no tensor cores");
    }
    const tiles = Object.keys(MATMUL_TILES.tensor).filter((tile) => tileFits("tensor", tile, device.tileLimits));
    expect(tiles).not.toEqual([]);
    // the forms differ in how tiles are filled, the tiles in who multiplies what: each with each would compile for minutes
    const products = [
      ...tiles.map((tile, i) => ({ profile: "tensor", form: MATMUL_FORMS[i % MATMUL_FORMS.length], storage: "f16", tile }) as const),
      ...MATMUL_FORMS.map((form) => ({ profile: "tensor", form, storage: "f32", tile: tiles.at(-1) }) as const),
    ];
    expect(await wrongProduct(device, products, { patienceMs: PATIENCE_MS })).toBeNull();
    device.dispose();
  },
);
