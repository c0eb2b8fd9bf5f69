/** The starting weights as array libraries hold them: matrices (in, out), so that y = x W needs no transposition. */
import { initialWeights } from "@starling/trainer-core/model/initialWeights";
import { inverseFrequencies } from "@starling/trainer-core/model/rope";
import type { PeerSize } from "./contestant.ts";

export interface PlainTensor {
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

/** The same numbers for all: ours by name, matrices of linear layers transposed, the embedding as it is (vocabulary, hidden). */
export function plainWeights({ config }: PeerSize): Map<string, PlainTensor> {
  const weights = new Map<string, PlainTensor>();
  for (const [name, { shape, data }] of initialWeights(config, 1337)) {
    const isLinear = name.endsWith("_proj.weight");
    weights.set(name, isLinear ? transposed(shape[0], shape[1], data) : { shape: [...shape], data });
  }
  return weights;
}

function transposed(rows: number, columns: number, data: Float32Array): PlainTensor {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c];
  return { shape: [columns, rows], data: out };
}

/** cos and sin of RoPE's angles, (tokens, headDim / 2) each. */
export function ropeAngles({ config, sequenceTokens }: PeerSize): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const frequencies = inverseFrequencies(config);
  const angles = Array.from({ length: sequenceTokens }, (_, t) => Array.from(frequencies, (f) => t * f)).flat();
  return { cos: Float32Array.from(angles, Math.cos), sin: Float32Array.from(angles, Math.sin) };
}

/** What each position is to predict (sequences, tokens), and its share of the mean loss: the last of a sequence predicts nothing. */
export function targetsOf({ sequences, sequenceTokens }: PeerSize, tokens: Int32Array): { targets: Int32Array<ArrayBuffer> } {
  const targets = new Int32Array(sequences * sequenceTokens);
  for (let i = 0; i < targets.length; i++) if ((i + 1) % sequenceTokens !== 0) targets[i] = tokens[i + 1];
  return { targets };
}

/** 1 / targets, 0 where there is none (sequences, tokens). */
export function lossShares({ sequences, sequenceTokens }: PeerSize): Float32Array<ArrayBuffer> {
  const share = 1 / (sequences * (sequenceTokens - 1));
  return Float32Array.from({ length: sequences * sequenceTokens }, (_, i) => ((i + 1) % sequenceTokens === 0 ? 0 : share));
}
