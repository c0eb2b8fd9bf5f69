/** The whole model in plain f64, from the kernels' twins: what tests hold the GPU against. */
import type { LlamaConfig } from "@starling/config/llamaConfig";
import { attentionBackward, attentionForward, rope } from "@starling/shaders/reference/attention";
import { embeddingGather, embeddingScatterAdd } from "@starling/shaders/reference/embedding";
import { crossEntropy } from "@starling/shaders/reference/loss";
import { linearForward, linearInputGradient, linearWeightGradient } from "@starling/shaders/reference/matmul";
import { swigluBackward, swigluForward } from "@starling/shaders/reference/mlp";
import { normBackward, normForward } from "@starling/shaders/reference/norm";
import { addInPlace, type Numbers } from "@starling/shaders/reference/numbers";
import { EMBEDDING_NAME, LM_HEAD_NAME, type ParameterMap } from "./parameters.ts";
import { ropeTable } from "./rope.ts";

export interface TwinResult {
  /** (sequences, tokens, vocabulary) */
  logits: Float64Array;
  /** mean over the targets */
  loss: number;
  /** at each position (sequences, tokens), 0 without a target */
  losses: Float64Array;
  /** d(loss)/d(parameter) by name */
  gradients: Map<string, Float64Array>;
}

/** Labels aligned with the inputs: position t predicts labels[t + 1], the last one nothing; below 0 counts for nothing. */
export function llamaTwin(
  config: LlamaConfig,
  weights: ParameterMap,
  sequences: readonly Int32Array[],
  labels: readonly Int32Array[],
): TwinResult {
  const sequence = sequences[0].length;
  const rows = sequences.length * sequence;
  const { hiddenSize: hidden, intermediateSize: ffn, vocabSize, numHeads, numKvHeads, headDim, rmsNormEps } = config;
  const queryWidth = numHeads * headDim;
  const keyWidth = numKvHeads * headDim;
  const shape = { batch: sequences.length, sequence, queryHeads: numHeads, keyHeads: numKvHeads, headDim };
  const table = ropeTable(config, sequence);
  const tokens = sequences.flatMap((s) => [...s]);
  const targets = labels.flatMap((row) => [...row.slice(1), -100]);
  const w = (name: string): Numbers => weights.get(name)!.data;
  const gradients = new Map<string, Float64Array>();
  const accumulate = (name: string, gradient: Float64Array) => {
    const earlier = gradients.get(name);
    if (earlier) addInPlace(earlier, gradient);
    else gradients.set(name, gradient);
  };

  let stream = embeddingGather(tokens, w(EMBEDDING_NAME), hidden);
  const saved = Array.from({ length: config.numLayers }, (_, l) => {
    const name = (part: string) => `model.layers.${l}.${part}.weight`;
    const streamIn = stream;
    const first = normForward(streamIn, w(name("input_layernorm")), rmsNormEps);
    const q = rope(linearForward(first.y, w(name("self_attn.q_proj")), rows, queryWidth, hidden), table, numHeads, headDim, sequence, 1);
    const k = rope(linearForward(first.y, w(name("self_attn.k_proj")), rows, keyWidth, hidden), table, numKvHeads, headDim, sequence, 1);
    const v = linearForward(first.y, w(name("self_attn.v_proj")), rows, keyWidth, hidden);
    const { out } = attentionForward(shape, q, k, v);
    const streamMiddle = addInPlace(linearForward(out, w(name("self_attn.o_proj")), rows, hidden, queryWidth), streamIn);
    const second = normForward(streamMiddle, w(name("post_attention_layernorm")), rmsNormEps);
    const gate = linearForward(second.y, w(name("mlp.gate_proj")), rows, ffn, hidden);
    const up = linearForward(second.y, w(name("mlp.up_proj")), rows, ffn, hidden);
    const mixed = swigluForward(gate, up);
    stream = addInPlace(linearForward(mixed, w(name("mlp.down_proj")), rows, hidden, ffn), streamMiddle);
    return { name, streamIn, first, q, k, v, out, streamMiddle, second, gate, up, mixed };
  });
  const last = normForward(stream, w("model.norm.weight"), rmsNormEps);
  const headName = config.tieWordEmbeddings ? EMBEDDING_NAME : LM_HEAD_NAME;
  const logits = linearForward(last.y, w(headName), rows, vocabSize, hidden);
  const count = targets.filter((t) => t >= 0).length;
  const { losses, dLogits } = crossEntropy(logits, targets, vocabSize, 1 / count);

  /** dx of y = x W^T, W (n, k); the weight's gradient is noted. */
  const linear = (name: string, dy: Float64Array, x: Numbers, n: number, k: number): Float64Array => {
    accumulate(name, linearWeightGradient(dy, x, rows, n, k));
    return linearInputGradient(dy, w(name), rows, n, k);
  };
  const norm = (name: string, dy: Float64Array, x: Numbers, rstd: Numbers): Float64Array => {
    const { dx, dWeight } = normBackward(dy, x, w(name), rstd);
    accumulate(name, dWeight);
    return dx;
  };
  let dStream = norm("model.norm.weight", linear(headName, dLogits, last.y, vocabSize, hidden), stream, last.rstd);
  for (const s of saved.reverse()) {
    const { dGate, dUp } = swigluBackward(linear(s.name("mlp.down_proj"), dStream, s.mixed, hidden, ffn), s.gate, s.up);
    const dSecond = linear(s.name("mlp.gate_proj"), dGate, s.second.y, ffn, hidden);
    addInPlace(dSecond, linear(s.name("mlp.up_proj"), dUp, s.second.y, ffn, hidden));
    dStream = addInPlace(norm(s.name("post_attention_layernorm"), dSecond, s.streamMiddle, s.second.rstd), dStream);
    const dAttended = linear(s.name("self_attn.o_proj"), dStream, s.out, hidden, queryWidth);
    const { dq, dk, dv } = attentionBackward(shape, s.q, s.k, s.v, s.out, dAttended);
    const dFirst = linear(s.name("self_attn.q_proj"), rope(dq, table, numHeads, headDim, sequence, -1), s.first.y, queryWidth, hidden);
    addInPlace(dFirst, linear(s.name("self_attn.k_proj"), rope(dk, table, numKvHeads, headDim, sequence, -1), s.first.y, keyWidth, hidden));
    addInPlace(dFirst, linear(s.name("self_attn.v_proj"), dv, s.first.y, keyWidth, hidden));
    dStream = addInPlace(norm(s.name("input_layernorm"), dFirst, s.streamIn, s.first.rstd), dStream);
  }
  accumulate(EMBEDDING_NAME, embeddingScatterAdd(tokens, dStream, vocabSize, hidden));
  return { logits, loss: losses.reduce((a, b) => a + b, 0) / count, losses, gradients };
}
