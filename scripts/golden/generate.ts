/** Logits of a golden sequence as text generation comes to them: half of it as a prompt, the rest token by token. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import type { Device } from "@starling/trainer-core/device/device";
import { prefill } from "@starling/trainer-core/generate/generate";
import { Generator } from "@starling/trainer-core/generate/generator";
import { uploadWeights } from "@starling/trainer-core/generate/weights";
import type { ParameterMap } from "@starling/trainer-core/model/parameters";

/** The largest difference from `logits` (tokens, vocabulary) over the positions whose logits generation asks for. */
export async function generatedDifference(
  device: Device,
  config: LlamaConfig,
  weights: ParameterMap,
  tokens: Int32Array,
  logits: ArrayLike<number>,
): Promise<number> {
  const { weight, dispose } = uploadWeights(device, weights);
  const generator = await Generator.create(device, config, { weight, contextTokens: tokens.length });
  try {
    let largest = 0;
    const compare = (actual: Float32Array, position: number): void => {
      for (let v = 0; v < config.vocabSize; v++) {
        const difference = Math.abs(actual[v] - logits[position * config.vocabSize + v]);
        if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
      }
    };
    const half = Math.ceil(tokens.length / 2);
    compare(await prefill(generator, [...tokens.subarray(0, half)]), half - 1);
    for (let t = half; t < tokens.length; t++) compare(await generator.appendForLogits([tokens[t]]), t);
    return largest;
  } finally {
    generator.dispose();
    dispose();
  }
}
