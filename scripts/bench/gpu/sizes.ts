/** Models of `bench gpu`, and what their arithmetic is measured against. */
import type { LlamaConfig } from "@starling/config/llamaConfig";

export interface GpuSize {
  name: string;
  config: LlamaConfig;
  sequenceTokens: number;
  /** sequences of a step; micro-batches are as large as fits */
  sequences: number;
}

/** A Llama with as many heads of keys as of queries, SwiGLU and tied embeddings. */
function llama(hidden: number, intermediate: number, layers: number, heads: number, vocabSize: number, tokens: number): LlamaConfig {
  return {
    vocabSize,
    hiddenSize: hidden,
    intermediateSize: intermediate,
    numLayers: layers,
    numHeads: heads,
    numKvHeads: heads,
    headDim: hidden / heads,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    tieWordEmbeddings: true,
    maxPositionEmbeddings: tokens,
    bosTokenId: null,
    eosTokenId: null,
  };
}

export const GPU_SIZES: readonly GpuSize[] = [
  { name: "llama-124m", config: llama(768, 2048, 12, 12, 50_304, 1024), sequenceTokens: 1024, sequences: 32 },
  { name: "llama-20m", config: llama(384, 1024, 8, 6, 16_384, 512), sequenceTokens: 512, sequences: 32 },
  // the stand-in of a software adapter: the same code paths in seconds
  { name: "llama-1m", config: llama(128, 352, 4, 4, 512, 128), sequenceTokens: 128, sequences: 4 },
];

/** What a vendor says of a dense product, TFLOP/s: halves with f32 sums on matrix units, f32 on the others. */
export interface Peak {
  f16: number;
  f32: number;
  source: string;
}

const PEAKS: readonly [pattern: RegExp, f16: number, f32: number][] = [
  [/H200|H100|GH200/i, 989, 67],
  [/H800/i, 989, 67],
  [/B200|GB200/i, 2250, 80],
  [/A100/i, 312, 19.5],
  [/L40S/i, 362, 91.6],
  [/L4\b/i, 121, 30.3],
  [/A10G?\b/i, 125, 31.2],
  [/T4\b/i, 65, 8.1],
  [/V100/i, 125, 15.7],
  [/RTX 5090/i, 209.5, 104.8],
  [/RTX 4090/i, 165.2, 82.6],
  [/RTX 3090/i, 71, 35.6],
];

/** From a data sheet by the adapter's name, or null. */
export function peakOf(adapterName: string): Peak | null {
  const found = PEAKS.find(([pattern]) => pattern.test(adapterName));
  return found ? { f16: found[1], f32: found[2], source: "data sheet, dense, without sparsity" } : null;
}
