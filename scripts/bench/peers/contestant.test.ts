import { llamaParameters, elementCount } from "@starling/trainer-core/model/parameters";
import { describe, expect, it } from "vitest";
import { peakOf } from "../gpu/sizes.ts";
import { batchTokens, PEER_SIZES, stepFlops } from "./contestant.ts";
import { lossShares, plainWeights, targetsOf } from "./weights.ts";

describe.each(PEER_SIZES)("the model $name of bench peers", (size) => {
  const { hiddenSize: C, numLayers: L, vocabSize: V } = size.config;

  it("has as many parameters as a GPT with tied embeddings of its width and depth, as tabgpt counts them", () => {
    const ours = llamaParameters(size.config).reduce((sum, { shape }) => sum + elementCount(shape), 0);
    expect(ours).toBe(V * C + L * (12 * C * C + 2 * C) + C);
  });

  it("costs 6 FLOP a weight and token, and attention", () => {
    const tokens = size.sequences * size.sequenceTokens;
    expect(stepFlops(size)).toBe(tokens * (6 * (L * 12 * C * C + V * C) + 12 * L * size.sequenceTokens * C));
  });

  it("has data that repeat, differ by step and stay in the vocabulary", () => {
    const tokens = batchTokens(size, 3);
    expect(tokens).toEqual(batchTokens(size, 3));
    expect(tokens).not.toEqual(batchTokens(size, 4));
    expect(tokens.every((token) => token >= 0 && token < V)).toBe(true);
    const { targets } = targetsOf(size, tokens);
    expect(targets[5]).toBe(tokens[6]);
    expect(lossShares(size).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
    expect(lossShares(size)[size.sequenceTokens - 1]).toBe(0);
  });
});

it("libraries get linear layers transposed and the embedding as it is", () => {
  const [size] = PEER_SIZES;
  const weights = plainWeights(size);
  expect(weights.get("model.layers.0.mlp.gate_proj.weight")!.shape).toEqual([size.config.hiddenSize, size.config.intermediateSize]);
  expect(weights.get("model.embed_tokens.weight")!.shape).toEqual([size.config.vocabSize, size.config.hiddenSize]);
});

it("a peak is known by the adapter's name, and one that is not is not guessed", () => {
  expect(peakOf("NVIDIA H200")!.f16).toBe(989);
  expect(peakOf("NVIDIA L40S")!.f16).toBe(362);
  expect(peakOf("NVIDIA L4")!.f16).toBe(121);
  expect(peakOf("llvmpipe (LLVM 15.0.6, 256 bits)")).toBeNull();
});
