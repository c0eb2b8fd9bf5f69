import type { LlamaConfig } from "@starling/config/llamaConfig";

/**
 * Angular frequency of each pair of a head, (headDim / 2), in f64, after scaling: theta^(-2i/headDim), divided by the factor
 * (`linear`), or with long wavelengths divided, short ones kept and a blend between (`llama3`, as Llama 3.1 has it).
 */
export function inverseFrequencies(config: Pick<LlamaConfig, "headDim" | "ropeTheta" | "ropeScaling">): Float64Array {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = ropeTheta ** ((-2 * i) / headDim);
    if (scaling === null) return frequency;
    const slow = frequency / scaling.factor;
    if (scaling.type === "linear") return slow;
    const { lowFreqFactor: low, highFreqFactor: high, originalMaxPositionEmbeddings: context } = scaling;
    const turnsInContext = (context * frequency) / (2 * Math.PI);
    if (turnsInContext < low) return slow;
    if (turnsInContext > high) return frequency;
    const blend = (turnsInContext - low) / (high - low);
    return (1 - blend) * slow + blend * frequency;
  });
}

/** cos, then sin, of position * frequency: (2, sequenceTokens, headDim / 2). In f64, rounded once: adapters' sin is off by 2e-4. */
export function ropeTable(
  config: Pick<LlamaConfig, "headDim" | "ropeTheta" | "ropeScaling">,
  sequenceTokens: number,
): Float32Array<ArrayBuffer> {
  const frequencies = inverseFrequencies(config);
  const half = frequencies.length;
  const table = new Float32Array(2 * sequenceTokens * half);
  for (let t = 0; t < sequenceTokens; t++) {
    for (let i = 0; i < half; i++) {
      table[t * half + i] = Math.cos(t * frequencies[i]);
      table[(sequenceTokens + t) * half + i] = Math.sin(t * frequencies[i]);
    }
  }
  return table;
}
