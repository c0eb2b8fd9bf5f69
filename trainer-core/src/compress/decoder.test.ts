import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE_PROFILES, linearGrid } from "@starling/shaders";
import { columnStep, mergeSent, rowPass } from "@starling/shaders/kernels/compress/index";
import type { TileLayout } from "@starling/shaders/kernels/compress/tileLayout";
import { decodeSigns, mergeTile, rowSums, type SentTensor } from "@starling/shaders/reference/compress/integerDecode";
import { seededRandom, testSent, type SentStyle } from "@starling/shaders/reference/compress/testSent";
import type { Device } from "../device/device.ts";
import { createTestDevice } from "../device/testDevice.node.ts";
import { ParameterSet } from "../model/parameterSet.ts";
import { Decoder, type DecodeKernels } from "./decoder.ts";
import { TilePlan } from "./tilePlan.ts";

const SEED = 12345;

interface Case {
  shape: readonly number[];
  peers: number;
  topk: number;
  oneBit: boolean;
  style: SentStyle;
}

const CASES: readonly Case[] = [
  // 31 equal means: the sum that chooses the headroom is exactly at its limit, but for the + 1 a term
  { shape: [64, 64], peers: 1, topk: 31, oneBit: true, style: "random" },
  { shape: [128, 64], peers: 4, topk: 8, oneBit: true, style: "random" },
  { shape: [64, 64], peers: 4, topk: 32, oneBit: false, style: "low" },
  { shape: [64, 64], peers: 256, topk: 64, oneBit: true, style: "blocks" },
  { shape: [64, 64], peers: 32, topk: 64, oneBit: false, style: "plus" },
  { shape: [86, 72], peers: 7, topk: 16, oneBit: false, style: "wild" },
  { shape: [200, 67], peers: 3, topk: 4, oneBit: true, style: "random" },
  { shape: [63, 45], peers: 16, topk: 45, oneBit: false, style: "cancelling" },
  { shape: [640], peers: 5, topk: 8, oneBit: false, style: "random" },
  { shape: [2, 6], peers: 7, topk: 3, oneBit: true, style: "low" },
  { shape: [1], peers: 3, topk: 1, oneBit: false, style: "wild" },
];

/** One tensor on the device, and everything that the decode leaves behind. */
class Bench {
  readonly layout: TileLayout;
  readonly sent: SentTensor;
  readonly device: Device;
  readonly #parameters: ParameterSet;
  readonly #plan: TilePlan;
  #decoder: Decoder | null = null;

  constructor(device: Device, { shape, peers, topk, oneBit, style }: Case, random: () => number) {
    this.device = device;
    this.#parameters = new ParameterSet(device, [{ name: "w", shape }]);
    this.#plan = new TilePlan(device, this.#parameters, { chunk: 64, topk });
    this.layout = this.#plan.layouts[0];
    this.sent = testSent(this.layout, style, { peers, topk, oneBit, random });
  }

  /** Applies with lr = 1 to zeros: the step is the negative sign. */
  async run(kernels: DecodeKernels = { mergeSent, rowPass, columnStep }) {
    this.#decoder?.dispose();
    this.#decoder = await Decoder.create(this.#plan, this.#parameters.pools("master"), kernels);
    this.device.clear(...this.#parameters.pools("master"));
    const each = this.layout.tiles * this.sent.topk;
    const results = Array.from({ length: this.sent.peers }, (_, p) => ({
      index: this.sent.index.slice(p * each, (p + 1) * each),
      valueBits: this.sent.valueBits.slice(p * each, (p + 1) * each),
    }));
    await this.#decoder.apply(results, { oneBit: this.sent.oneBit, learningRate: 1 });
    const { head, slot, rowSums: y } = this.#decoder.buffers;
    return {
      signs: await this.signs(),
      head: new Uint32Array(await this.device.read(head, this.layout.tiles * 16)),
      slot: new Uint32Array(await this.device.read(slot, this.layout.tiles * 256)),
      rowSums: new Int32Array(await this.device.read(y, this.layout.elements * 4)),
    };
  }

  async signs(): Promise<Int8Array> {
    return Int8Array.from(await this.#parameters.read("master", "w"), (v) => -v);
  }

  /** The last kernel alone, with dead zones of the test's choosing. */
  async rerunColumns(head: Uint32Array<ArrayBuffer>, kernel = columnStep): Promise<Int8Array> {
    const { device } = this;
    const { decode, head: heads, slot, rowSums: y, basis18 } = this.#decoder!.buffers;
    const { tiles, batches } = this.#plan.pools[0];
    const [master] = this.#parameters.pools("master");
    device.write(heads, head);
    device.clear(master);
    const buffers = [batches[0].uniform, tiles, decode, y, slot, heads, basis18, master];
    device.run([await device.dispatch(kernel, { WORKGROUP_SIZE: 64 }, buffers, linearGrid(this.layout.tiles * 256, 64))]);
    return this.signs();
  }

  /** Every way in which a run differs from the twin: in signs, in the exact row sums and in the dead zone. */
  differences({ signs, head, slot, rowSums: y }: Awaited<ReturnType<Bench["run"]>>): number {
    const { layout, sent } = this;
    let different = 0;
    decodeSigns(layout, sent).forEach((sign, at) => (different += sign === signs[at] ? 0 : 1));
    for (let tile = 0; tile < layout.tiles; tile++) {
      const merged = mergeTile(layout, sent, tile);
      const rows = rowSums(layout, merged);
      if (head[4 * tile] !== merged.q.length || head[4 * tile + 2] !== rows.size) different++;
      if (head[4 * tile + 3] !== Number(merged.deadZone)) different++;
      for (let s = 0; s < rows.size; s++) {
        const expected = rows.get(slot[tile * 64 + s] & 63);
        for (let j = 0; j < layout.width; j++) if (expected?.[j] !== y[tile * layout.total + s * layout.width + j]) different++;
      }
    }
    return different;
  }

  /** Puts the dead zone of every tile at |A| of one of its elements, then one below: 0, then the sign of A. Counts errors. */
  async lastBitErrors(
    head: Uint32Array<ArrayBuffer>,
    elementsPerTile: number,
    kernel = columnStep,
  ): Promise<{ tests: number; errors: number }> {
    const small: { at: number; sum: number }[][] = Array.from({ length: this.layout.tiles }, () => []);
    decodeSigns(this.layout, this.sent, ({ at, tile, sum }) => {
      if (sum !== 0 && Math.abs(sum) < 2 ** 32) small[tile].push({ at, sum });
    });
    let tests = 0;
    let errors = 0;
    for (let n = 0; n < elementsPerTile; n++) {
      for (const below of [0, 1]) {
        const zones = head.slice();
        small.forEach((elements, tile) => {
          if (elements.length > 0) zones[4 * tile + 3] = Math.abs(elements[n % elements.length].sum) - below;
        });
        const signs = await this.rerunColumns(zones, kernel);
        for (const elements of small) {
          if (elements.length === 0) continue;
          const { at, sum } = elements[n % elements.length];
          tests++;
          if (signs[at] !== (below ? Math.sign(sum) : 0)) errors++;
        }
      }
    }
    return { tests, errors };
  }

  dispose(): void {
    this.#decoder?.dispose();
    this.#plan.dispose();
    this.#parameters.dispose();
  }
}

for (const profile of BASE_PROFILES) {
  describe(`integer decode, ${profile} profile`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await createTestDevice(profile);
    });
    afterAll(() => device.dispose());

    it(`equals its definition in signs, row sums and dead zones, and gives the pinned bits (seed ${SEED})`, async () => {
      const random = seededRandom(SEED);
      const hash = createHash("sha256");
      for (const c of CASES) {
        const bench = new Bench(device, c, random);
        const run = await bench.run();
        expect([c, bench.differences(run)]).toEqual([c, 0]);
        hash.update(run.signs).update(run.rowSums).update(run.head);
        bench.dispose();
      }
      expect(hash.digest("hex").slice(0, 16)).toBe("3337924c2a60a680");
    });

    it("decides the column pass to the last bit", async () => {
      const random = seededRandom(SEED);
      let tests = 0;
      for (const c of [
        { shape: [512, 64], peers: 4, topk: 32, oneBit: false, style: "random" },
        { shape: [430, 50], peers: 9, topk: 16, oneBit: true, style: "random" },
        { shape: [630, 45], peers: 8, topk: 40, oneBit: false, style: "random" },
        { shape: [640], peers: 5, topk: 8, oneBit: true, style: "random" },
      ] as const) {
        const bench = new Bench(device, c, random);
        const found = await bench.lastBitErrors((await bench.run()).head, 12);
        expect([c, found.errors]).toEqual([c, 0]);
        tests += found.tests;
        bench.dispose();
      }
      expect(tests).toBeGreaterThan(500);
    });
  });
}

describe("these tests", () => {
  let device: Device;
  beforeAll(async () => {
    device = await createTestDevice();
  });
  afterAll(() => device.dispose());

  const mutants: [kernel: keyof DecodeKernels, from: string, to: string][] = [
    ["mergeSent", "sum.y + magnitude.y + select(0u, 1u, low < magnitude.x)", "sum.y + magnitude.y"],
    ["mergeSent", "high += addHigh + select(0u, 1u, low < addLow)", "high += addHigh"],
    ["mergeSent", "let bit = u32(shift - 1)", "let bit = u32(shift)"],
    ["mergeSent", ">> 12u) + 1u", ">> 12u)"],
    ["rowPass", "a.y + b.y + select(0u, 1u, low < b.x)", "a.y + b.y"],
    ["rowPass", "i32(a.y + 4u)", "i32(a.y + 3u)"],
    ["rowPass", "(s >> 16u) + (middle >> 16u)", "(s >> 16u)"],
    ["columnStep", "magnitudeLow <= zLow", "magnitudeLow < zLow"],
    ["columnStep", "-(top + borrow)", "-top"],
    ["columnStep", "carry + (rest >> vec4(13u))", "carry"],
    ["columnStep", "(magnitudeTop < zTop) | ", ""],
  ];
  for (const [kernel, from, to] of mutants) {
    it(`notice ${kernel} with "${to}" for "${from}"`, async () => {
      const original = { mergeSent, rowPass, columnStep }[kernel];
      expect(original.wgsl).toContain(from);
      const wrong = { ...original, name: `${original.name}.mutant`, wgsl: original.wgsl.replaceAll(from, to) };
      const random = seededRandom(SEED);
      let noticed = 0;
      for (const c of CASES.filter(({ peers }) => peers < 100)) {
        const bench = new Bench(device, c, random);
        noticed += bench.differences(await bench.run({ mergeSent, rowPass, columnStep, [kernel]: wrong }));
        if (noticed === 0 && kernel === "columnStep") noticed += (await bench.lastBitErrors((await bench.run()).head, 12, wrong)).errors;
        bench.dispose();
        if (noticed > 0) break;
      }
      expect(noticed).toBeGreaterThan(0);
    });
  }
});
