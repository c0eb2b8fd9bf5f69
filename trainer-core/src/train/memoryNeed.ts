/** What a run takes of an adapter and of this machine's memory, from its plan: the buffers that training allocates, summed. */
import { elementCount, llamaParameters } from "../model/parameters.ts";
import type { RunPlan } from "./runPlan.ts";

const MIB = 2 ** 20;
/** Node, libp2p, the wasm machine (measured: 230 to 340 MiB resident with the `test` preset). */
const PROCESS_BYTES = 300 * MIB;
/** results kept for those who are late, and the two rounds under way */
const KEPT_ROUNDS = 10;

export interface MemoryNeed {
  adapterBytes: number;
  /** beside the adapter's */
  hostBytes: number;
  /** largest buffer that must be bound at once */
  bindingBytes: number;
}

export function memoryNeed(plan: RunPlan, microBatchSequences: number, batchesPerRound: number): MemoryNeed {
  const { llama, sequenceTokens, payloadBytes } = plan;
  const tensors = llamaParameters(llama).map(({ shape }) => 4 * elementCount(shape));
  const modelBytes = tensors.reduce((a, b) => a + b, 0);
  const rows = sequenceTokens * microBatchSequences;
  const query = llama.numHeads * llama.headDim;
  const key = llama.numKvHeads * llama.headDim;
  const { hiddenSize: hidden, intermediateSize: middle, numHeads: heads, numLayers: layers } = llama;
  // trainer-core/src/model/activations.ts
  const perLayer = 4 * hidden + 2 + 2 * query + 2 * key + heads + 3 * middle;
  const gradients = 2 * hidden + 2 * query + heads + 2 * key + 3 * middle;
  const activationBytes = 4 * rows * (layers * perLayer + gradients + 2 * hidden + 1);
  // master, compute, gradient and residual; coefficients, sums and scratch of encoder and decoder are bounded by 16 MiB each
  const scratchBytes = 8 * Math.min(modelBytes, 16 * MIB);
  return {
    adapterBytes: 4 * modelBytes + activationBytes + scratchBytes,
    hostBytes: PROCESS_BYTES + 2 * modelBytes + KEPT_ROUNDS * batchesPerRound * payloadBytes,
    bindingBytes: Math.max(...tensors, 4 * rows * Math.max(middle, hidden, query)),
  };
}
