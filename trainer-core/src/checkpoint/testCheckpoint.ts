import type { LlamaConfig } from "@starling/config/llamaConfig";
import { initialWeights } from "../model/initialWeights.ts";
import { bytesReader, type CheckpointFile, type CheckpointFiles } from "./checkpointFiles.ts";
import type { Checkpoint } from "./writeCheckpoint.ts";

/** A small model with grouped queries, for the tests of this room. */
export const testModel: LlamaConfig = {
  vocabSize: 64,
  hiddenSize: 16,
  intermediateSize: 24,
  numLayers: 2,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 4,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { type: "llama3", factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 16 },
  tieWordEmbeddings: false,
  maxPositionEmbeddings: 64,
  bosTokenId: 1,
  eosTokenId: [2, 3],
};

export function testCheckpoint(step: number, config: LlamaConfig = testModel, runId = "a-run"): Checkpoint {
  return {
    config,
    parameters: initialWeights(config, step),
    state: {
      runId,
      step,
      epoch: 3,
      parameterHash: step.toString(16).padStart(64, "0"),
      created: new Date(1_800_000_000_000 + step * 1000).toISOString(),
    },
  };
}

/** Files in memory, as a peer or a browser's store would hold them. */
export function filesInMemory(files: readonly CheckpointFile[]): CheckpointFiles {
  const contents = new Map(files.map((file) => [file.name, Buffer.concat([...file.pieces()])]));
  return {
    location: "memory",
    open: async (name) => {
      const bytes = contents.get(name);
      return bytes === undefined ? null : bytesReader(bytes);
    },
  };
}
