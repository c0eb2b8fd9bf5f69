import type { LlamaConfig } from "@starling/config/llamaConfig";
import { describe, expect, it } from "vitest";
import { elementCount, llamaParameters } from "../model/parameters.ts";
import { choosePrecision } from "../train/precision.ts";
import { commonPrecision, offerToOne, spreadOf } from "./parallelism.ts";
import { assertDivisible, rangeOf, shardConfig, tensorSlice } from "./shards.ts";

const model: LlamaConfig = {
  vocabSize: 37,
  hiddenSize: 18,
  intermediateSize: 23,
  numLayers: 1,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 6,
  rmsNormEps: 1e-5,
  ropeTheta: 100,
  ropeScaling: null,
  tieWordEmbeddings: false,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};

describe("shards", () => {
  it.each([
    [2, { ...model }],
    [4, { ...model }],
    [3, { ...model, numHeads: 6, numKvHeads: 3 }],
  ])("of %i devices cover every tensor, in the shapes of the shard's own model", (count, config) => {
    assertDivisible(config, count);
    for (const spec of llamaParameters(config)) {
      const covered = new Uint8Array(elementCount(spec.shape));
      for (let index = 0; index < count; index++) {
        const shard = { index, count };
        const { rows, columns, pitch, first } = tensorSlice(config, spec, shard);
        const own = llamaParameters(shardConfig(config, shard)).find(({ name }) => name === spec.name)!;
        expect(rows * columns, spec.name).toBe(elementCount(own.shape));
        for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) covered[r * pitch + first + c]++;
      }
      // norms are held whole by all, a key head by as many as share it
      const holders = /norm/.test(spec.name) ? count : /[kv]_proj/.test(spec.name) ? Math.max(1, count / config.numKvHeads) : 1;
      expect(new Set(covered), spec.name).toEqual(new Set([holders]));
    }
  });

  it("names the numbers that would do where heads cannot be split", () => {
    const odd = { ...model, numHeads: 6, numKvHeads: 3 };
    expect(() => assertDivisible(odd, 2)).toThrow(/over 2 devices: its 6 query heads and 3 key .* of 1 or 3 or 6 would do/);
    expect(() => assertDivisible({ ...model, numKvHeads: 1 }, 8)).toThrow(/1 or 2 or 4 would do/);
  });

  it("differ by one at most", () => {
    expect([0, 1, 2].map((index) => rangeOf(37, { index, count: 3 }))).toEqual([
      [0, 12],
      [12, 24],
      [24, 37],
    ]);
  });
});

describe("spreadOf", () => {
  it("puts logical devices on one adapter, and one device on each of several", () => {
    expect(spreadOf({})).toEqual({ data: 1, tensor: 1, adapters: [null] });
    expect(spreadOf({ dataParallelism: 2, tensorParallelism: 2 }).adapters).toEqual([null, null, null, null]);
    expect(spreadOf({ dataParallelism: 2, adapters: ["a"] }).adapters).toEqual(["a", "a"]);
    expect(spreadOf({ adapters: ["a", "b", "c", "d"], tensorParallelism: 2 })).toEqual({
      data: 2,
      tensor: 2,
      adapters: ["a", "b", "c", "d"],
    });
    expect(() => spreadOf({ adapters: ["a", "b", "c"], dataParallelism: 2 })).toThrow(
      /3 adapters are named, but .* take 2: name 2, or one/,
    );
  });

  it("gives each device its part of the share and of the memory that several are in", () => {
    const offer = { adapterBytes: 100, shareSequences: 5, batchesPerRound: 7 };
    expect(offerToOne(offer, spreadOf({ dataParallelism: 2 }))).toEqual({ adapterBytes: 50, shareSequences: 3, batchesPerRound: 7 });
    expect(offerToOne(offer, spreadOf({ adapters: ["a", "b"] }))).toMatchObject({ adapterBytes: 100, shareSequences: 3 });
  });
});

describe("commonPrecision", () => {
  const device = (shaderF16: boolean) =>
    ({
      features: { shaderF16 },
      adapter: { isFallbackAdapter: false, device: "d", description: "", vendor: "v", architecture: "" },
    }) as Parameters<typeof commonPrecision>[1][number];
  const even = { ...model, hiddenSize: 16, intermediateSize: 24, headDim: 8 };

  it("is what the least able device offers, and f32 where devices share a model", () => {
    expect(commonPrecision("auto", [device(true), device(true)], { tensor: 1 }, even).precision).toBe("f16");
    expect(commonPrecision("auto", [device(true), device(false)], { tensor: 1 }, even)).toEqual(
      choosePrecision("auto", device(false), even),
    );
    expect(commonPrecision("auto", [device(true), device(true)], { tensor: 2 }, even).precision).toBe("f32");
    expect(() => commonPrecision("f16", [device(true), device(true)], { tensor: 2 }, even)).toThrow(/share a model exchange f32/);
    expect(() => commonPrecision("f16", [device(true), device(false)], { tensor: 1 }, even)).toThrow(/f16 was asked for/);
  });
});
