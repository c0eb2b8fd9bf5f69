/**
 * About what `memoryNeed` finds, for a page that has the run's plan but not the engine (a megabyte of shaders): from the shapes alone.
 */
import { elementCount, llamaParameters } from "../model/parameters.ts";
import { hostBytes, type MemoryNeed } from "./hostMemory.ts";
import type { RunPlan } from "./runPlan.ts";

const MIB = 2 ** 20;

export function memoryEstimate(plan: RunPlan, microBatchSequences: number, batchesPerRound: number): MemoryNeed {
  const { llama, sequenceTokens } = plan;
  const tensors = llamaParameters(llama).map(({ shape }) => 4 * elementCount(shape));
  const modelBytes = tensors.reduce((a, b) => a + b, 0);
  const rows = sequenceTokens * microBatchSequences;
  const query = llama.numHeads * llama.headDim;
  const key = llama.numKvHeads * llama.headDim;
  const { hiddenSize: hidden, intermediateSize: middle, numHeads: heads, numLayers: layers } = llama;
  const perLayer = 4 * hidden + 2 + 2 * query + 2 * key + heads + 3 * middle;
  const gradients = 2 * hidden + 2 * query + heads + 2 * key + 3 * middle;
  const activationBytes = 4 * rows * (layers * perLayer + gradients + 2 * hidden + 1);
  // master, compute, gradient and residual; coefficients, sums and scratch of encoder and decoder are bounded by 16 MiB each
  const scratchBytes = 8 * Math.min(modelBytes, 16 * MIB);
  return {
    adapterBytes: 4 * modelBytes + activationBytes + scratchBytes,
    hostBytes: hostBytes(plan, batchesPerRound),
    bindingBytes: Math.max(...tensors, 4 * rows * Math.max(middle, hidden, query)),
  };
}
