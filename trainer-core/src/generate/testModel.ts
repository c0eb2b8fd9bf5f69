/** A small model for this room's tests: grouped queries, heads that are not hidden/heads wide, odd widths, llama3 rope. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { elementCount, llamaParameters, type ParameterMap } from "../model/parameters.ts";
import { normals } from "../model/testing.ts";

export const untied: LlamaConfig = {
  vocabSize: 41,
  hiddenSize: 18,
  intermediateSize: 22,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 6,
  rmsNormEps: 1e-5,
  ropeTheta: 100,
  ropeScaling: { type: "llama3", factor: 4, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 16 },
  tieWordEmbeddings: false,
  maxPositionEmbeddings: 64,
  bosTokenId: null,
  eosTokenId: null,
};
export const tied: LlamaConfig = { ...untied, numLayers: 1, ropeScaling: null, tieWordEmbeddings: true };

export function someWeights(config: LlamaConfig): ParameterMap {
  return new Map(
    llamaParameters(config).map(({ name, shape }, n) => {
      const data = normals(elementCount(shape), 1 + n);
      return [name, { shape, data: data.map((v) => (shape.length === 1 ? 1 + 0.2 * v : 0.4 * v)) }];
    }),
  );
}
